"""All of a store for a sink: every user there is, then the deletion of what the sink holds of users who are gone."""

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence

from domain.search.document import IndexEntry
from domain.users.feed import Change
from domain.users.filter import EVERYONE
from domain.users.model import User
from domain.users.store import UserStore
from indexer.progress import Progress
from indexer.projection import Projection
from indexer.sinks.sink import Sink
from indexer.sources.source import Chunk, Position


class Snapshot:
    """Its chunks have no position: whoever reads them knows from where to go on."""

    def __init__(self, store: UserStore, sink: Sink, projection: Projection, *, limit: int) -> None:
        self._store = store
        self._sink = sink
        self._projection = projection
        self._limit = limit

    async def all(self) -> AsyncGenerator[Chunk[Position]]:
        """Every user there is, and then the orphans."""
        users: AsyncGenerator[tuple[Chunk[Position], str]] = self.users()
        async with contextlib.aclosing(users):
            async for chunk, _ in users:
                yield chunk
        orphans: AsyncGenerator[Chunk[Position]] = self.orphans()
        async with contextlib.aclosing(orphans):
            async for chunk in orphans:
                yield chunk

    async def users(self, after: str | None = None) -> AsyncGenerator[tuple[Chunk[Position], str]]:
        """Every user behind the id `after`, in id order, and the last id of each chunk."""
        progress = Progress(self._projection.name, await self._store.count(EVERYONE))
        begun_at = self._projection.clock()
        while users := await self._store.scan(after, self._limit):
            changes = [Change(user.id, user.version, user, begun_at) for user in users]
            entries, refused = self._projection.entries(changes)
            after = users[-1].id
            yield Chunk(entries, None, begun_at, refused, snapshot=True), after
            progress.advance(len(users))
        progress.finish()

    async def orphans(self) -> AsyncGenerator[Chunk[Position]]:
        """The deletions of those whom the sink holds and the store does not."""
        begun_at = self._projection.clock()
        async with contextlib.aclosing(self._sink.held()) as portions:
            async for held in portions:
                found = await self._store.get([id for id, _ in held])
                yield Chunk(orphans(held, found), None, begun_at, snapshot=True)


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
