"""When a circuit opens, how long it stays so, and what it takes to close it again."""

from dataclasses import dataclass
from datetime import timedelta

from domain.peers.breaker.tally import Tally


@dataclass(frozen=True)
class BreakerPolicy:
    """Rates are shares of the calls that ended in the window, and are compared by "at least", as resilience4j does.

    The defaults are quicker than resilience4j's (100 calls, a minute open): whoever queries waits for seconds only.
    """

    failure_rate: float = 0.5
    slow_rate: float = 0.8
    slow_after: timedelta = timedelta(seconds=2)
    """A call that took longer is slow."""
    window: timedelta = timedelta(seconds=10)
    """Where everything fails from one moment on, the circuit opens after `failure_rate` of this time."""
    buckets: int = 10
    minimum_calls: int = 10
    """Fewer calls in the window than this say nothing."""
    probes: int = 3
    """How many calls a half-open circuit lets through; their results decide."""
    probe_lease: timedelta = timedelta(seconds=30)
    """After this time a probe that has not returned is lost, and another call may take its place."""
    open_for: timedelta = timedelta(seconds=1)
    """The first time; each time in a row it doubles."""
    longest: timedelta = timedelta(seconds=30)
    jitter: float = 0.2
    """Up to this share of the time is taken off at random, so that many processes do not probe at once."""
    healthy_after: timedelta = timedelta(minutes=1)
    """A circuit that was closed this long begins with `open_for` again."""

    def __post_init__(self) -> None:
        for name in ("failure_rate", "slow_rate"):
            _check(0 < getattr(self, name) <= 1, name, "above 0 and at most 1")
        for name in ("slow_after", "window", "probe_lease", "open_for", "healthy_after"):
            _check(getattr(self, name) > timedelta(0), name, "longer than nothing")
        for name in ("buckets", "minimum_calls", "probes"):
            _check(getattr(self, name) >= 1, name, "at least 1")
        _check(self.longest >= self.open_for, "longest", "at least open_for")
        _check(0 <= self.jitter < 1, "jitter", "at least 0 and below 1")

    def condemns(self, tally: Tally) -> bool:
        """Whether a closed circuit opens on these calls."""
        return tally.calls >= self.minimum_calls and self._exceeded(tally, tally.calls)

    def condemns_probes(self, tally: Tally) -> bool:
        """Whether a half-open circuit opens: as soon as the results that are missing cannot change it."""
        return self._exceeded(tally, self.probes)

    def _exceeded(self, tally: Tally, calls: int) -> bool:
        # A quotient is compared, not a product: 7 / 10 is 0.7 exactly as the policy writes it, 0.7 * 10 is above 7.
        return tally.failed / calls >= self.failure_rate or tally.slow / calls >= self.slow_rate


def _check(holds: bool, name: str, expected: str) -> None:
    if not holds:
        raise ValueError(f"The breaker's {name} must be {expected}.")
