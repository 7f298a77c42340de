"""The sliding window of counts."""

from itertools import pairwise

from domain.peers.breaker.tally import Tally
from domain.peers.breaker.window import Window


def test_a_call_is_forgotten_with_its_bucket() -> None:
    window = Window(10.0, 5, now=100.0)
    window.record(101.0, failed=True, slow=False)
    window.record(103.0, failed=True, slow=True)
    assert window.tally(109.9) == Tally(2, 2, 1)
    assert window.tally(110.0) == Tally(1, 1, 1)
    assert window.tally(112.0) == Tally()


def test_after_a_long_silence_nothing_is_left() -> None:
    window = Window(10.0, 5, now=0.0)
    for second in range(10):
        window.record(float(second), failed=True, slow=True)
    assert window.record(1_000_000.0, failed=False, slow=False) == Tally(1, 0, 0)


def test_one_bucket_begins_anew_each_time() -> None:
    window = Window(10.0, 1, now=0.0)
    window.record(9.0, failed=False, slow=False)
    assert window.record(10.0, failed=False, slow=False).calls == 1


def test_a_clock_that_stands_still_or_steps_back_loses_no_call() -> None:
    window = Window(10.0, 5, now=50.0)
    for time in (50.0, 50.0, 45.0, 50.0):
        window.record(time, failed=False, slow=False)
    assert window.tally(50.0).calls == 4


def test_a_rate_at_a_steady_pace_never_jumps() -> None:
    window = Window(10.0, 10, now=0.0)
    counts = [window.record(number / 100, failed=False, slow=False).calls for number in range(10_000)]
    assert all(abs(later - earlier) <= 100 for earlier, later in pairwise(counts))
    assert all(900 <= count <= 1_000 for count in counts[1_000:])
