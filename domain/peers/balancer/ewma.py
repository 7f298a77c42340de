"""A moving average of latency that rises at once and falls slowly: Finagle's peak EWMA."""

import math


class PeakEwma:
    """Seconds. What is more than the average becomes it; what is less weighs by the time since the one before.

    Without observations it falls to 1/e of itself in `decay`: towards 0, so that who was slow is tried again.
    """

    __slots__ = ("_at", "_decay", "_value")

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._value: float | None = None
        self._at = 0.0

    def observe(self, seconds: float, now: float) -> None:
        if self._value is None or seconds > self._value:
            self._value = seconds
        else:
            weight = self._weight(now)
            self._value = self._value * weight + seconds * (1.0 - weight)
        self._at = now

    def value(self, now: float) -> float | None:
        """None: nothing was observed yet."""
        return None if self._value is None else self._value * self._weight(now)

    def forget(self) -> None:
        self._value = None

    def _weight(self, now: float) -> float:
        return math.exp(-max(now - self._at, 0.0) / self._decay)
