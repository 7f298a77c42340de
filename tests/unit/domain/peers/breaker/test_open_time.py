"""How long a circuit stays open."""

from datetime import timedelta
from random import Random

import pytest

from domain.peers.breaker.open_time import OpenTime
from domain.peers.breaker.policy import BreakerPolicy

POLICY = BreakerPolicy(
    open_for=timedelta(seconds=1),
    longest=timedelta(seconds=10),
    healthy_after=timedelta(seconds=60),
    jitter=0.0,
)


def test_it_doubles_to_the_ceiling() -> None:
    time = OpenTime(POLICY, Random(1))
    assert [time.next(0.0) for _ in range(6)] == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(("closed_for", "expected"), [(59.9, 4.0), (60.0, 1.0)])
def test_only_a_healthy_time_makes_it_short_again(closed_for: float, expected: float) -> None:
    time = OpenTime(POLICY, Random(1))
    time.next(0.0)
    time.next(0.0)
    assert time.next(closed_for) == expected


def test_jitter_takes_off_a_share_and_adds_nothing() -> None:
    policy = BreakerPolicy(open_for=timedelta(seconds=10), longest=timedelta(seconds=10), jitter=0.2)
    time = OpenTime(policy, Random(1))
    times = [time.next(0.0) for _ in range(1_000)]
    assert 8.0 <= min(times) < 8.1
    assert 9.9 < max(times) <= 10.0


def test_a_thousand_failed_probes_in_a_row_are_no_larger_number() -> None:
    time = OpenTime(POLICY, Random(1))
    assert [time.next(0.0) for _ in range(2_000)][-1] == 10.0
