"""Two of many, by weight."""

from collections import Counter
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.peers.balancer.choice import draw_two


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=20), st.integers(0, 10_000))
def test_they_are_two(weights: list[float], seed: int) -> None:
    first, second = draw_two(list(accumulate(weights)), Random(seed))
    assert first != second
    assert {first, second} <= set(range(len(weights)))


def test_each_as_often_as_its_weight_says() -> None:
    random, weights = Random(1), [1.0, 2.0, 7.0]
    pairs = Counter(draw_two(list(accumulate(weights)), random) for _ in range(100_000))
    for first in range(3):
        for second in {0, 1, 2} - {first}:
            expected = weights[first] / 10 * weights[second] / (10 - weights[first])
            assert pairs[first, second] / 100_000 == pytest.approx(expected, rel=0.1)
