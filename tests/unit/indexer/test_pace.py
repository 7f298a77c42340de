from hypothesis import given
from hypothesis import strategies as st

from indexer.pace import STEPS, Pace


@given(st.integers(1, 1000), st.lists(st.booleans(), max_size=60))
def test_it_is_always_something_and_never_more_than_everything(most: int, successes: list[bool]) -> None:
    pace = Pace.full(most)
    for success in successes:
        before = pace
        pace = before.faster() if success else before.slower()
        assert 1 <= pace.size <= most
        assert pace.size >= most // STEPS
        assert (pace.size >= before.size) is success or before.size in (pace.size, most)


def test_a_refusal_halves_and_a_success_adds_a_sixteenth() -> None:
    half = Pace.full(500).slower()
    assert half.size == 250
    assert half.faster().size == 281
    assert half.slower().slower().slower().slower().size == 31


def test_it_recovers() -> None:
    pace = Pace.full(500)
    for _ in range(10):
        pace = pace.slower()
    for _ in range(STEPS):
        pace = pace.faster()
    assert pace == Pace.full(500)


def test_one_at_a_time_is_the_least() -> None:
    assert Pace.full(3).slower().slower().slower().size == 1
