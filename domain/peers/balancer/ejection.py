"""When an instance that fails is not asked for a while, and never too many of them at one time."""

from collections.abc import Sequence

from domain.peers.balancer.health import Health
from domain.peers.balancer.outliers import threshold
from domain.peers.balancer.policy import EjectionPolicy


class Ejection:
    """Of one peer. Nothing runs in the background: an interval ends with the first request after it."""

    def __init__(self, policy: EjectionPolicy, now: float) -> None:
        self._policy = policy
        self._interval = policy.interval.total_seconds()
        self._ends = now + self._interval
        self._all: Sequence[Health] = ()

    def watch(self, all: Sequence[Health]) -> None:
        """These are the instances now."""
        self._all = all

    def record(self, health: Health, now: float, *, failed: bool) -> bool:
        """Count a request that has ended; whether somebody is ejected now."""
        ejected = health.count(failed=failed) and self._eject(health, now)
        if now >= self._ends:
            self._ends = now + self._interval
            ejected = self._compare(now) or ejected
        return ejected

    def _eject(self, health: Health, now: float) -> bool:
        if 1 + sum(other.ejected for other in self._all) > len(self._all) * self._policy.largest_share:
            return False
        health.eject(now)
        return True

    def _compare(self, now: float) -> bool:
        """The worst go first: only a share of all may go."""
        rates = {health: 1 - health.failed / health.requests for health in self._all if self._counts(health)}
        least = threshold(list(rates.values()), self._policy)
        outliers = sorted((health for health, rate in rates.items() if rate < least), key=lambda one: rates[one])
        ejected = [health for health in outliers if self._eject(health, now)]
        for health in self._all:
            health.begin_interval()
        return bool(ejected)

    def _counts(self, health: Health) -> bool:
        return not health.ejected and health.requests >= self._policy.minimum_requests
