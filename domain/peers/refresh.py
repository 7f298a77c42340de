"""When to look for instances again: pure decisions, in seconds."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

EARLIEST = 0.8
"""Looks are spread over the last fifth of a TTL (±10 % around nine tenths of it): together never, late never."""


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """TTLs count as at least `floor` and at most `ceiling`.

    After failures the pause doubles from `floor` to `longest_after_failure`. An empty answer is confirmed after
    `confirm_after`. Looks that are asked for are at least `spacing` after the end of the one before.
    """

    floor: timedelta = timedelta(seconds=1)
    ceiling: timedelta = timedelta(seconds=60)
    longest_after_failure: timedelta = timedelta(seconds=10)
    confirm_after: timedelta = timedelta(seconds=1)
    spacing: timedelta = timedelta(seconds=1)

    def after_answer(self, ttl: timedelta | None, random: Random) -> float | None:
        """None: not before somebody asks for it."""
        if ttl is None:
            return None
        return _spread(min(max(ttl, self.floor), self.ceiling), random)

    def after_failure(self, failures: int, random: Random) -> float:
        """`failures`: how many there were in a row, from 1 on."""
        doublings = min(failures - 1, 16)
        return _spread(min(self.floor * 2**doublings, self.longest_after_failure), random)

    def before_requested(self, since_last_look: float) -> float:
        return max(self.spacing.total_seconds() - since_last_look, 0.0)


DEFAULT_POLICY = RefreshPolicy()


def _spread(pause: timedelta, random: Random) -> float:
    return pause.total_seconds() * random.uniform(EARLIEST, 1.0)
