"""How long a circuit stays open: twice as long each time in a row, up to a ceiling, and never quite the same."""

from random import Random

from domain.peers.breaker.policy import BreakerPolicy


class OpenTime:
    def __init__(self, policy: BreakerPolicy, random: Random) -> None:
        self._first = policy.open_for.total_seconds()
        self._longest = policy.longest.total_seconds()
        self._jitter = policy.jitter
        self._healthy_after = policy.healthy_after.total_seconds()
        self._random = random
        self._next = self._first

    def next(self, closed_for: float) -> float:
        """Seconds to stay open, after the circuit was closed for `closed_for` seconds (0: it was half-open)."""
        if closed_for >= self._healthy_after:
            self.reset()
        seconds = self._next * (1 - self._jitter * self._random.random())
        self._next = min(self._next * 2, self._longest)
        return seconds

    def reset(self) -> None:
        self._next = self._first
