"""How many calls ended, and how many of them failed or were slow."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """A call that is both failed and slow is counted in both, so the two rates are independent."""

    calls: int = 0
    failed: int = 0
    slow: int = 0

    def add(self, *, failed: bool, slow: bool) -> None:
        self.calls += 1
        self.failed += failed
        self.slow += slow

    def subtract(self, other: "Tally") -> None:
        self.calls -= other.calls
        self.failed -= other.failed
        self.slow -= other.slow

    def copy(self) -> "Tally":
        return Tally(self.calls, self.failed, self.slow)
