"""The store as a source, over the in-memory oracle: following, resync, what is left over, what cannot be believed."""

import contextlib
from dataclasses import dataclass, field, replace
from typing import Any

from domain.errors import PositionLost
from domain.search.document import IndexEntry
from domain.users.model import Status, User
from domain.users.store import Write
from indexer.projection import Projection
from indexer.sources.position import Resync
from indexer.sources.snapshot import orphans
from indexer.sources.source import Chunk
from indexer.sources.store import StoreSource
from tests.contract.users.memory import MemoryChangeFeed, MemoryDatabase, MemoryUserStore
from tests.contract.users.users import a_user
from tests.unit.indexer.fakes import NOON, FakeSink, user_id


@dataclass
class FakeCheckpoint:
    value: str | None = None
    committed: list[str | None] = field(default_factory=list)

    async def position(self) -> str | None:
        return self.value

    async def commit(self, position: str | None) -> None:
        self.value = position
        self.committed.append(position)


def _project(user: User) -> dict[str, Any]:
    if user.display_name == "impossible":
        raise ValueError(user.display_name)
    return {"id": user.id, "version": user.version}


class Rig:
    def __init__(self, position: str | None = None) -> None:
        self.database = MemoryDatabase()
        self.store = MemoryUserStore(self.database)
        self.feed = MemoryChangeFeed(self.database)
        self.checkpoint = FakeCheckpoint(position)
        self.sink = FakeSink()
        self.source = StoreSource(
            self.store,
            self.feed,
            self.checkpoint,
            self.sink,
            Projection("p", lambda: NOON, _project),
            limit=2,
            wait=0.001,
        )

    async def create(self, **values: Any) -> User:
        user = a_user(**values)
        assert await self.store.write(Write(user))
        return user

    async def change(self, user: User) -> None:
        assert await self.store.write(Write(replace(user, version=user.version + 1), expected=user.version))

    async def delete(self, user: User) -> None:
        tombstone = replace(user, status=Status.DELETED, version=user.version + 1, username=None)
        assert await self.store.write(Write(tombstone, expected=user.version))

    async def take(self, count: int) -> list[Chunk[str]]:
        """The first `count` chunks, applied to the sink and committed like a session does."""
        taken: list[Chunk[str]] = []
        async with contextlib.aclosing(self.source.chunks()) as chunks:
            async for chunk in chunks:
                taken.append(chunk)
                await self.sink.write(chunk.entries)
                if chunk.position is not None:
                    await self.source.commit(chunk.position)
                if len(taken) == count:
                    break
        return taken

    def indexed(self) -> dict[str, int]:
        return {made.id: made.version for made in self.sink.users.values() if made.document is not None}


async def test_without_a_checkpoint_the_whole_store_is_read_and_then_followed() -> None:
    rig = Rig()
    users = [await rig.create() for _ in range(3)]
    *resync, end, following = await rig.take(6)
    assert rig.indexed() == {user.id: 1 for user in users}
    assert [chunk.position for chunk in resync[:2]] == [str(Resync("3", users[1].id)), str(Resync("3", users[2].id))]
    assert all(chunk.snapshot for chunk in resync)
    assert (end.entries, end.position) == ((), "3")
    assert following.position == "3"


async def test_a_resync_that_breaks_off_goes_on_where_it_was() -> None:
    rig = Rig()
    users = [await rig.create() for _ in range(5)]
    await rig.take(1)
    changed, late = users[0], await rig.create()
    await rig.change(changed)
    rig.sink.writes.clear()
    await rig.take(7)
    assert [entry.id for entry in rig.sink.writes[0]] == [user.id for user in users[2:4]]
    assert rig.indexed() == {user.id: 1 for user in (*users, late)} | {changed.id: 2}


async def test_what_changes_during_a_resync_is_read_after_it() -> None:
    rig = Rig()
    users = [await rig.create() for _ in range(3)]
    late: list[User] = []
    async with contextlib.aclosing(rig.source.chunks()) as chunks:
        async for chunk in chunks:
            await rig.sink.write(chunk.entries)
            if not late:
                late = [await rig.create(), await rig.create()]
                await rig.delete(users[0])
                await rig.change(users[1])
            if chunk.position == "7":
                break
    assert rig.indexed() == {users[1].id: 2} | {user.id: 1 for user in (*users[2:], *late)}


async def test_a_resync_deletes_what_the_sink_holds_beyond_the_store() -> None:
    rig = Rig()
    kept, deleted = await rig.create(), await rig.create()
    await rig.delete(deleted)
    gone = IndexEntry(user_id(1), 7, {"id": user_id(1)})
    await rig.sink.write([gone, IndexEntry(deleted.id, 1, {"id": deleted.id})])
    await rig.take(4)
    assert rig.indexed() == {kept.id: 1}
    assert rig.sink.users[gone.id] == IndexEntry(gone.id, 8, None)
    assert rig.sink.users[deleted.id] == IndexEntry(deleted.id, 2, None)


async def test_a_checkpoint_is_followed() -> None:
    rig = Rig()
    await rig.create()
    rig.checkpoint.value = await rig.feed.now()
    second = await rig.create()
    await rig.sink.write([IndexEntry(user_id(1), 1, {})])
    (chunk,) = await rig.take(1)
    assert [(made.id, made.version) for made in chunk.entries] == [(second.id, 1)]
    assert (chunk.position, chunk.since) == ("2", second.updated_at)


async def test_the_checkpoint_of_an_empty_sink_is_not_believed() -> None:
    rig = Rig("1")
    user = await rig.create()
    await rig.take(2)
    assert rig.indexed() == {user.id: 1}
    assert rig.checkpoint.committed[0] is None


async def test_an_empty_store_and_an_empty_sink_are_no_reason_to_doubt() -> None:
    rig = Rig("0")
    (chunk,) = await rig.take(1)
    assert (chunk.position, rig.checkpoint.committed) == ("0", ["0"])


async def test_a_lost_position_is_forgotten_and_leads_to_a_resync() -> None:
    rig = Rig("99")
    user = await rig.create()
    await rig.sink.write([IndexEntry(user_id(1), 1, {})])
    await rig.take(4)
    assert rig.indexed() == {user.id: 1}
    assert rig.checkpoint.committed[0] is None
    assert rig.checkpoint.value == "1"


async def test_a_position_lost_while_reading_leads_to_a_resync(monkeypatch: Any) -> None:
    rig = Rig("0")
    user = await rig.create()
    await rig.sink.write([IndexEntry(user_id(1), 1, {})])
    lost = [PositionLost("pruned")]

    @contextlib.asynccontextmanager
    async def follow(position: str) -> Any:
        async with MemoryChangeFeed(rig.database).follow(position) as reader:

            class Losing:
                async def read(self, limit: int, wait: float) -> Any:
                    if lost:
                        raise lost.pop()
                    return await reader.read(limit, wait)

            yield Losing()

    monkeypatch.setattr(rig.feed, "follow", follow)
    await rig.take(4)
    assert rig.indexed() == {user.id: 1}


async def test_a_user_without_a_possible_document_is_refused_alone() -> None:
    rig = Rig("0")
    await rig.sink.write([IndexEntry(user_id(1), 1, {})])
    bad, good = await rig.create(display_name="impossible"), await rig.create()
    (chunk,) = await rig.take(1)
    assert [made.id for made in chunk.entries] == [good.id]
    (letter,) = chunk.refused
    assert (letter.id, letter.version, letter.origin) == (bad.id, 1, "p")
    assert letter.reason == "no search document: ValueError"


def test_orphans() -> None:
    live, tombstone = a_user(), a_user(status=Status.DELETED, version=4)
    found = {live.id: live, tombstone.id: tombstone}
    assert orphans([(live.id, 1), (tombstone.id, 3), (user_id(9), 5)], found) == [
        IndexEntry(tombstone.id, 4, None),
        IndexEntry(user_id(9), 6, None),
    ]
