"""One instance as the balancer sees it: how quick it is, what is in flight, and how it fares."""

from dataclasses import dataclass

from domain.peers.balancer.ewma import PeakEwma
from domain.peers.balancer.health import Health
from domain.peers.balancer.policy import BalancerPolicy
from domain.peers.balancer.slow_start import next_step, share
from domain.peers.instance import Instance

UNTRIED = 1e6
"""Seconds, as it were: while nobody has answered yet, who has a request gets no second, as in Finagle."""
FAILURE = 2.0
"""A failure counts as a request that took so many times as long as usual: failing fast must not look quick."""

LONGEST_FAILURE = 1.0
"""Seconds, likewise at most: where all fail, it would double for ever."""


@dataclass(slots=True)
class Usual:
    """The latency of an instance as most are, in seconds; 0 before there are answers."""

    seconds: float = 0.0


class Member:
    """Times are the monotonic clock's seconds. `since` is when it came, or came back; -inf: it was always there."""

    __slots__ = (
        "_least",
        "_usual",
        "_window",
        "failures",
        "health",
        "instance",
        "latency",
        "open",
        "requests",
        "since",
    )

    def __init__(self, instance: Instance, policy: BalancerPolicy, since: float, usual: Usual) -> None:
        self.instance = instance
        self.health = Health(policy.ejection)
        self.latency = PeakEwma(policy.decay.total_seconds())
        self.open: dict[object, float] = {}
        """What is in flight, by when it began; the oldest is first."""
        self.requests = 0
        self.failures = 0
        self.since = since
        self._usual = usual
        self._window = policy.slow_start.total_seconds()
        self._least = policy.slow_start_least

    @property
    def priority(self) -> int:
        return self.instance.priority

    def share(self, now: float) -> float:
        """Of its weight."""
        return share(now - self.since, self._window, self._least)

    def changes_at(self, now: float) -> float:
        """When its share or its health is another one without anything being told."""
        return min(now + next_step(now - self.since, self._window), self.health.usable_again(now))

    def takes(self, now: float) -> float:
        """Seconds that a request takes here.

        One that waits longer than usual says so before it has ended: who hangs is avoided at once.
        """
        waiting = now - next(iter(self.open.values())) if self.open else 0.0
        latency = self.latency.value(now)
        if latency is None and self.open:
            latency = self._usual.seconds or UNTRIED
        return max(latency or 0.0, waiting)

    def cost(self, now: float, weight: float) -> float:
        """What one more request costs here, where one is `weight` times as strong as the average."""
        return self.takes(now) * (len(self.open) / weight + 1)

    def answered(self, seconds: float, now: float) -> None:
        self.requests += 1
        self.latency.observe(seconds, now)

    def failed(self, seconds: float, now: float) -> None:
        self.requests += 1
        self.failures += 1
        usual = max(self.latency.value(now) or 0.0, self._usual.seconds)
        self.latency.observe(max(seconds, min(FAILURE * usual, LONGEST_FAILURE)), now)

    def waited(self, seconds: float, now: float) -> None:
        """It took at least that long, nobody knows how long."""
        if seconds > (self.latency.value(now) or 0.0):
            self.latency.observe(seconds, now)

    def take_back(self, now: float) -> bool:
        """Whether it returns from ejection: as one that is new, since what was known of it is old."""
        if not self.health.take_back(now):
            return False
        self.since = now
        self.latency.forget()
        return True
