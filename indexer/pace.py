"""How much is sent at once: half as much after a refusal, a little more after every success. Pure.

Additive increase, multiplicative decrease converges to what the other side can take, and to a fair share of it among
several senders: Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance in Computer
Networks", 1989; TCP does the same (RFC 5681).
"""

from dataclasses import dataclass, replace

STEPS = 16
"""Successes from nothing to everything; and the part of everything below which it is never halved."""


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `size` entries at once, at most `most` ever."""

    most: int
    size: int

    @classmethod
    def full(cls, most: int) -> "Pace":
        return cls(most, most)

    @property
    def step(self) -> int:
        return max(1, self.most // STEPS)

    def slower(self) -> "Pace":
        """After the other side was busy, or did not answer in time."""
        return replace(self, size=max(self.step, self.size // 2))

    def faster(self) -> "Pace":
        """After it took everything."""
        return replace(self, size=min(self.most, self.size + self.step))
