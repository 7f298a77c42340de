"""A store's change feed as a source; without a position to go on from, first the whole store, then what is left over.

The checkpoint is in the pipeline's lease, so only its holder can move it. It is cleared before a resync that replaces
it: a resync that breaks off begins again.
"""

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Protocol

import structlog

from domain.clock import Clock, now
from domain.errors import PositionLost
from domain.search.document import IndexEntry, SearchDocument, search_document
from domain.users.feed import Change, ChangeFeed
from domain.users.filter import EVERYONE
from domain.users.model import User
from domain.users.store import UserStore
from indexer.dead_letters import DeadLetter
from indexer.progress import Progress
from indexer.sinks.sink import Sink
from indexer.sources.source import Chunk

WAIT_SECONDS = 1.0
PAGE = 500

log = structlog.get_logger()


class Checkpoint(Protocol):
    """What a lease's term offers."""

    async def position(self) -> str | None: ...

    async def commit(self, position: str | None) -> None: ...


class StoreSource:
    """`sink` tells whether a checkpoint can be believed, and what it holds beyond the store.

    `name` is the pipeline's; `project` makes a user's document.
    """

    def __init__(
        self,
        name: str,
        store: UserStore,
        feed: ChangeFeed,
        checkpoint: Checkpoint,
        sink: Sink,
        *,
        limit: int = PAGE,
        wait: float = WAIT_SECONDS,
        clock: Clock = now,
        project: Callable[[User], SearchDocument] = search_document,
    ) -> None:
        self._name = name
        self._store = store
        self._feed = feed
        self._checkpoint = checkpoint
        self._sink = sink
        self._limit = limit
        self._wait = wait
        self._clock = clock
        self._project = project

    async def commit(self, position: str) -> None:
        await self._checkpoint.commit(position)

    async def chunks(self) -> AsyncGenerator[Chunk[str]]:
        position = await self._believable_position()
        while True:
            if position is None:
                position = await self._feed.now()
                async with contextlib.aclosing(self._resync()) as resync:
                    async for chunk in resync:
                        yield chunk
                yield Chunk((), position)
            try:
                async with self._feed.follow(position) as reader:
                    while True:
                        told = await reader.read(self._limit, self._wait)
                        yield self._chunk(told.changes, told.position)
            except PositionLost as exc:
                log.warning("position lost", pipeline=self._name, reason=exc.reason)
                await self._checkpoint.commit(None)
                position = None

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

    async def _resync(self) -> AsyncGenerator[Chunk[str]]:
        """Every user there is, then the deletion of whatever the sink holds of users who are gone."""
        begun_at = self._clock()
        progress = Progress(self._name, await self._store.count(EVERYONE))
        after: str | None = None
        while users := await self._store.scan(after, self._limit):
            yield self._chunk([Change(user.id, user.version, user, begun_at) for user in users], None)
            after = users[-1].id
            progress.advance(len(users))
        progress.finish()
        async with contextlib.aclosing(self._sink.held()) as portions:
            async for held in portions:
                found = await self._store.get([id for id, _ in held])
                yield Chunk(orphans(held, found), None, begun_at)

    def _chunk(self, changes: Sequence[Change], position: str | None) -> Chunk[str]:
        entries: list[IndexEntry] = []
        refused: list[DeadLetter] = []
        for change in changes:
            try:
                document = None if change.user is None else self._project(change.user)
            except Exception as exc:  # a document that cannot be made now never can: making it is pure
                log.exception("no document", pipeline=self._name, user=change.id)
                reason = f"no search document: {type(exc).__name__}"
                refused.append(DeadLetter(change.id, change.version, self._name, reason, 1, self._clock()))
            else:
                entries.append(IndexEntry(change.id, change.version, document))
        return Chunk(entries, position, min((change.at for change in changes), default=None), refused)


def orphans(held: Sequence[tuple[str, int]], found: Mapping[str, User]) -> list[IndexEntry]:
    """The deletions of those users `held` (id, version) who are not among the `found` or are deleted there.

    Of a user whose tombstone is gone, too, no later version can come: the held one plus one is safe.
    """
    deletions: list[IndexEntry] = []
    for id, version in held:
        user = found.get(id)
        if user is None:
            deletions.append(IndexEntry(id, version + 1, None))
        elif user.deleted:
            deletions.append(IndexEntry(id, user.version, None))
    return deletions
