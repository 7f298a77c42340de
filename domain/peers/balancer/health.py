"""What is known of one instance's failures, and until when it is not asked."""

import math

from domain.peers.balancer.policy import EjectionPolicy


class Health:
    """Times are the monotonic clock's seconds."""

    __slots__ = ("_policy", "_row", "_times", "_until", "failed", "requests", "resting_until")

    def __init__(self, policy: EjectionPolicy) -> None:
        self._policy = policy
        self._row = 0
        self._times = 0
        self._until: float | None = None
        self.requests = 0
        self.failed = 0
        self.resting_until = 0.0

    @property
    def ejected(self) -> bool:
        """From `eject` until `take_back`."""
        return self._until is not None

    def usable(self, now: float) -> bool:
        return self._until is None and self.resting_until <= now

    def usable_again(self, now: float) -> float:
        """When that may be; infinite if it is usable."""
        until = self.resting_until if self._until is None else self._until
        return until if until > now else math.inf

    def count(self, *, failed: bool) -> bool:
        """Count a request of this interval; whether the failures in a row are enough to eject."""
        self.requests += 1
        self.failed += failed
        self._row = self._row + 1 if failed else 0
        return not self.ejected and self._row >= self._policy.consecutive

    def rest(self, until: float) -> None:
        self.resting_until = max(self.resting_until, until)

    def eject(self, now: float) -> None:
        self._times += 1
        time = min(self._policy.first_time * self._times, self._policy.longest_time)
        self._until = now + time.total_seconds()

    def take_back(self, now: float) -> bool:
        """Whether its time is over just now. It is on probation: with the first request that fails it goes again."""
        if self._until is None or self._until > now:
            return False
        self._until = None
        self._row = self._policy.consecutive - 1
        return True

    def begin_interval(self) -> None:
        """The ejections of who was not ejected meanwhile are forgiven, one an interval."""
        self.requests = self.failed = 0
        if not self.ejected:
            self._times = max(0, self._times - 1)
