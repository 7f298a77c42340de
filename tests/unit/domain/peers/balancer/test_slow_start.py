"""How a new instance comes to its share."""

import math

import pytest

from domain.peers.balancer.slow_start import next_step, share


@pytest.mark.parametrize(
    ("age", "expected"), [(0, 0.1), (2.9, 0.1), (15, 0.5), (29.9, 29 / 30), (30, 1), (math.inf, 1)]
)
def test_the_share_grows_with_age(age: float, expected: float) -> None:
    assert share(age, window=30, least=0.1) == pytest.approx(expected)


def test_it_never_shrinks_and_changes_only_when_it_says_so() -> None:
    age = 0.0
    while age < 30:
        step = next_step(age, window=30)
        assert 0 < step <= 1.0001
        assert share(age + step * 0.999, 30, 0.1) == share(age, 30, 0.1)
        assert share(age + step, 30, 0.1) >= share(age, 30, 0.1)
        age += step
    assert next_step(30, window=30) == math.inf
