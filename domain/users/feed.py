"""The port of a store's change feed: every change of every user, at least once, in order per user."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.users.model import User


@dataclass(frozen=True, slots=True)
class Change:
    """User `id` is at `version`; `user` is None once it is deleted. `at` is when the store committed it.

    `unreadable`: why nobody can tell what the user is, where the stored document is none of ours.
    """

    id: str
    version: int
    user: User | None
    at: datetime
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a feed told next: perhaps nothing, but always a position from which to go on.

    `as_of`: the moment (time.monotonic) before which every acknowledged change has been told by now; None while more
    may wait.
    """

    changes: Sequence[Change]
    position: str
    as_of: float | None = None


class FeedReader(Protocol):
    async def read(self, limit: int, wait: float) -> Changes:
        """The next changes, at most `limit`; after `wait` seconds without any, none.

        Raises PositionLost, StoreUnavailable; after either the reader is of no more use.
        """

    async def lag(self) -> int:
        """About how many changes lie behind what `read` has told. Raises StoreUnavailable."""


class ChangeFeed(Protocol):
    async def now(self) -> str:
        """The present position: all changes acknowledged before the call lie before it."""

    def follow(self, position: str) -> AbstractAsyncContextManager[FeedReader]:
        """Read on from `position`. Entering raises PositionLost if the store no longer has what came after it."""
