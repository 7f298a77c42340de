"""A store's change feed as a source; without a position to go on from, first the whole store, then what is left over.

The checkpoint is in the pipeline's lease, so only its holder can move it. During a resync it says how far that has
come, so that one that breaks off goes on where it was.
"""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Protocol

import structlog

from domain.errors import PositionLost
from domain.users.feed import ChangeFeed, Changes, FeedReader
from domain.users.store import UserStore
from indexer.projection import Projection
from indexer.sinks.sink import Sink
from indexer.sources.position import Resync, read_position
from indexer.sources.snapshot import Snapshot
from indexer.sources.source import Chunk

WAIT_SECONDS = 1.0
PAGE = 500

log = structlog.get_logger()


class Checkpoint(Protocol):
    """What a lease's term offers."""

    async def position(self) -> str | None: ...

    async def commit(self, position: str | None) -> None: ...


class StoreSource:
    """`sink` tells whether a checkpoint can be believed, and what it holds beyond the store."""

    def __init__(
        self,
        store: UserStore,
        feed: ChangeFeed,
        checkpoint: Checkpoint,
        sink: Sink,
        projection: Projection,
        *,
        limit: int = PAGE,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._name = projection.name
        self._store = store
        self._feed = feed
        self._checkpoint = checkpoint
        self._sink = sink
        self._projection = projection
        self._snapshot = Snapshot(store, sink, projection, limit=limit)
        self._limit = limit
        self._wait = wait
        self._reader: FeedReader | None = None

    async def commit(self, position: str) -> None:
        await self._checkpoint.commit(position)

    async def lag(self) -> int | None:
        """Not known during a resync."""
        return None if self._reader is None else await self._reader.lag()

    async def chunks(self) -> AsyncGenerator[Chunk[str]]:
        kept = await self._believable_position()
        while True:
            at = Resync(await self._feed.now()) if kept is None else read_position(kept)
            if isinstance(at, Resync):
                async with contextlib.aclosing(self._resync(at)) as resync:
                    async for chunk in resync:
                        yield chunk
                at = at.feed
                yield Chunk((), at)
            try:
                async with self._feed.follow(at) as reader:
                    self._reader = reader
                    while True:
                        told = await reader.read(self._limit, self._wait)
                        yield self._chunk(told)
            except PositionLost as exc:
                log.warning("position lost", pipeline=self._name, reason=exc.reason)
                self._reader = None
                await self._checkpoint.commit(None)
                kept = None

    async def _believable_position(self) -> str | None:
        """The checkpoint, unless there is none or the sink is empty beside a store that is not."""
        position = await self._checkpoint.position()
        if position is None:
            return None
        if await self._sink.empty() and await self._store.scan(None, 1):
            log.warning("the sink is empty: its checkpoint is not believed", pipeline=self._name)
            await self._checkpoint.commit(None)
            return None
        return position

    async def _resync(self, at: Resync) -> AsyncGenerator[Chunk[str]]:
        users: AsyncGenerator[tuple[Chunk[str], str]] = self._snapshot.users(at.after or None)
        async with contextlib.aclosing(users):
            async for chunk, last in users:
                yield replace(chunk, position=str(replace(at, after=last)))
        orphans: AsyncGenerator[Chunk[str]] = self._snapshot.orphans()
        async with contextlib.aclosing(orphans):
            async for chunk in orphans:
                yield chunk

    def _chunk(self, told: Changes) -> Chunk[str]:
        entries, refused = self._projection.entries(told.changes)
        since = min((change.at for change in told.changes), default=None)
        return Chunk(entries, told.position, since, refused, as_of=told.as_of)
