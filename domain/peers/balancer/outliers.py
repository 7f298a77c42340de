"""Which success rates are too far below the others: Envoy's rule, pure."""

import statistics
from collections.abc import Sequence

from domain.peers.balancer.policy import EjectionPolicy


def threshold(rates: Sequence[float], policy: EjectionPolicy) -> float:
    """A rate below this is an outlier: the mean less so many standard deviations, where there are enough to compare."""
    if len(rates) < policy.minimum_instances:
        return 0.0
    mean = statistics.fmean(rates)
    return min(mean - policy.deviations * statistics.pstdev(rates, mean), policy.tolerated)
