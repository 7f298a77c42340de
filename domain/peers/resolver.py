"""Port: where the instances of one peer are now."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from domain.peers.instance import Instance

MAX_INSTANCES = 1000
"""Of one peer. What is beyond that is left out, the same ones at every look."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one lookup found: the instances, possibly none, and for how long that holds (None: until told otherwise).

    `remarks` say what was left out, and why.
    """

    instances: frozenset[Instance]
    ttl: timedelta | None = None
    remarks: tuple[str, ...] = ()


class ResolutionFailed(Exception):
    """Nothing was learned: what was known before still stands. `reason` is for logs and `/readyz`."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} could not be looked up: {reason}")
        self.name = name
        self.reason = reason


class Resolver(Protocol):
    async def resolve(self) -> Resolution:
        """Look once. No instances is an answer (the name is gone or empty). Raises ResolutionFailed for all else."""
        ...
