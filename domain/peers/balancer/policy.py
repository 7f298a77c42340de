"""What the balancer goes by: how long it remembers, how slowly it trusts, and when it stops asking an instance."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class EjectionPolicy:
    """Envoy's outlier detection, quicker: whoever queries waits for seconds only."""

    consecutive: int = 5
    """So many failures in a row eject an instance."""
    interval: timedelta = timedelta(seconds=10)
    """How often success rates are compared; they are those of this time."""
    minimum_instances: int = 5
    """Rates of fewer are not compared: one of four is never further from the mean than sqrt(3) deviations."""
    minimum_requests: int = 50
    """An instance with fewer in the interval is not compared."""
    deviations: float = 1.9
    """Further below the mean than so many standard deviations is an outlier."""
    tolerated: float = 0.95
    """A rate of at least this is never one: where all others are perfect, the deviation is next to nothing."""
    first_time: timedelta = timedelta(seconds=10)
    """Each time in a row it is that much longer."""
    longest_time: timedelta = timedelta(minutes=5)
    largest_share: float = 0.5
    """Of all instances, ejected at one time."""


@dataclass(frozen=True)
class BalancerPolicy:
    decay: timedelta = timedelta(seconds=10)
    """The time constant of the latency's average: after it a peak weighs 1/e."""
    slow_start: timedelta = timedelta(seconds=30)
    """In this time a new instance comes to its full share."""
    slow_start_least: float = 0.1
    """Of its share, what it begins with."""
    panic_below: float = 0.5
    """With a smaller share in health, all are asked: those left would break down too."""
    ejection: EjectionPolicy = EjectionPolicy()


DEFAULT_POLICY = BalancerPolicy()
