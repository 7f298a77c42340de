"""When calls condemn a circuit, and which policies make no sense."""

from datetime import timedelta

import pytest

from domain.peers.breaker.policy import BreakerPolicy
from domain.peers.breaker.tally import Tally

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("tally", "condemned"),
    [
        (Tally(9, 9, 9), False),
        (Tally(10, 6, 0), False),
        (Tally(10, 7, 0), True),
        (Tally(1000, 699, 0), False),
        (Tally(1000, 700, 0), True),
        (Tally(10, 0, 8), False),
        (Tally(10, 0, 9), True),
        (Tally(10, 6, 8), False),
    ],
    ids=str,
)
def test_at_least_the_threshold_of_at_least_the_minimum(tally: Tally, condemned: bool) -> None:
    assert BreakerPolicy(failure_rate=0.7, slow_rate=0.9, minimum_calls=10).condemns(tally) is condemned


@pytest.mark.parametrize(
    ("tally", "condemned"),
    [(Tally(1, 1, 0), False), (Tally(2, 2, 0), True), (Tally(3, 1, 2), False), (Tally(3, 0, 3), True)],
    ids=str,
)
def test_probes_condemn_as_soon_as_the_missing_ones_cannot_save(tally: Tally, condemned: bool) -> None:
    assert BreakerPolicy(failure_rate=0.5, slow_rate=1.0, probes=3).condemns_probes(tally) is condemned


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"failure_rate": 0.0}, "The breaker's failure_rate must be above 0 and at most 1."),
        ({"slow_rate": 1.01}, "The breaker's slow_rate must be above 0 and at most 1."),
        ({"slow_after": timedelta(0)}, "The breaker's slow_after must be longer than nothing."),
        ({"window": -SECOND}, "The breaker's window must be longer than nothing."),
        ({"healthy_after": timedelta(0)}, "The breaker's healthy_after must be longer than nothing."),
        ({"buckets": 0}, "The breaker's buckets must be at least 1."),
        ({"minimum_calls": 0}, "The breaker's minimum_calls must be at least 1."),
        ({"probes": 0}, "The breaker's probes must be at least 1."),
        ({"open_for": 2 * SECOND, "longest": SECOND}, "The breaker's longest must be at least open_for."),
        ({"jitter": 1.0}, "The breaker's jitter must be at least 0 and below 1."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match="breaker's") as refusal:
        BreakerPolicy(**wrong)  # type: ignore[arg-type]
    assert str(refusal.value) == message
