"""When it is looked again."""

from datetime import timedelta
from random import Random

import pytest

from domain.peers.refresh import RefreshPolicy

POLICY = RefreshPolicy()


def _pauses(ttl: float) -> list[float]:
    random = Random(1)
    pauses = [POLICY.after_answer(timedelta(seconds=ttl), random) for _ in range(2000)]
    return [pause for pause in pauses if pause is not None]


@pytest.mark.parametrize(("ttl", "counts_as"), [(0, 1), (1, 1), (5, 5), (30, 30), (60, 60), (86400, 60)])
def test_within_the_ttl_its_floor_and_its_ceiling(ttl: float, counts_as: float) -> None:
    pauses = _pauses(ttl)
    assert max(pauses) <= counts_as
    assert min(pauses) >= 0.8 * counts_as


def test_looks_are_spread_over_the_whole_of_the_jitter() -> None:
    pauses = _pauses(10)
    assert min(pauses) < 8.02
    assert max(pauses) > 9.98
    assert sum(pauses) / len(pauses) == pytest.approx(9, abs=0.05)


def test_what_holds_until_told_otherwise_is_not_looked_for() -> None:
    assert POLICY.after_answer(None, Random(1)) is None


def test_after_failures_the_pause_grows_to_its_limit() -> None:
    random = Random(1)
    longest = [max(POLICY.after_failure(n, random) for _ in range(500)) for n in (1, 2, 3, 4, 5, 10, 10_000)]
    assert longest == pytest.approx([1, 2, 4, 8, 10, 10, 10], rel=0.02)


def test_what_is_asked_for_is_at_once_but_not_in_a_row() -> None:
    assert POLICY.before_requested(since_last_look=5) == 0
    assert POLICY.before_requested(since_last_look=0.25) == 0.75
