"""How often a position is committed: soon after a delivery, now and then without one, never before it."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic

from indexer.sources.source import Position

BUSY_SECONDS = 0.5
IDLE_SECONDS = 5.0


class Checkpoints(Generic[Position]):
    """Calls `commit` with the last delivered position, at most every `BUSY_SECONDS`.

    A position that moved without any change is committed every `IDLE_SECONDS`: otherwise the position of a quiet
    store would age until the store forgets it.
    """

    def __init__(
        self, commit: Callable[[Position], Awaitable[None]], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._commit = commit
        self._monotonic = monotonic
        self._committed: Position | None = None
        self._pending: Position | None = None
        self._changes = False
        self._at = monotonic() - IDLE_SECONDS

    def delivered(self, position: Position, *, changes: bool) -> None:
        """Everything up to `position` is delivered; `changes` says whether that was anything."""
        self._pending = position
        self._changes = self._changes or changes

    async def save(self, *, now: bool = False) -> None:
        """Commit what is pending, if it is time or `now`. Raises what `commit` raises."""
        if self._pending is None or self._pending == self._committed:
            return
        age = self._monotonic() - self._at
        if now or age >= (BUSY_SECONDS if self._changes else IDLE_SECONDS):
            position = self._pending
            await self._commit(position)
            self._committed, self._changes, self._at = position, False, self._monotonic()
