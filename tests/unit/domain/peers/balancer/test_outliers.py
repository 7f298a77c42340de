"""Success rates against each other."""

import pytest

from domain.peers.balancer.outliers import threshold
from domain.peers.balancer.policy import EjectionPolicy

POLICY = EjectionPolicy()


@pytest.mark.parametrize(
    ("rates", "outliers"),
    [
        ([1.0] * 9 + [0.5], 1),
        ([0.99] * 9 + [0.2], 1),
        ([1.0] * 80 + [0.5] * 20, 20),
        ([0.5] * 10, 0),  # all are the same
        ([1.0] * 5 + [0.0] * 5, 0),  # as many are bad as are good: it is the peer
        ([1.0] * 99 + [0.96], 0),  # far from the others, and good enough
        ([1.0] * 3 + [0.0], 0),  # too few to compare
        ([1.0] * 4 + [0.0], 1),
        ([], 0),
    ],
)
def test_an_outlier_is_far_below_the_mean(rates: list[float], outliers: int) -> None:
    assert sum(rate < threshold(rates, POLICY) for rate in rates) == outliers
