"""What an election may not cost: an acknowledged write, a version in the feed, or the place in the change stream."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from domain.errors import OutcomeUnknown, PositionLost, StoreUnavailable
from domain.users.feed import FeedReader
from tests.integration.indexer.process import until
from tests.integration.mongodb.replica_set import TIMEOUT, ReplicaSet

WRITERS = 4
WINDOW = TIMEOUT + timedelta(seconds=1)
"""How long who steps down cannot be elected again: who is alone lets writes fail, not only wait."""


class Writer:
    """Creates and changes users of its own, and reads each back; `acknowledged` are the versions it was told of."""

    def __init__(self, replica_set: ReplicaSet, name: str) -> None:
        self._users = replica_set.users
        self._name = name
        self.acknowledged: dict[str, int] = {}
        self.open: set[str] = set()
        """Users whose last write has no known outcome, or failed: one further version may be there."""

    async def write_until(self, stop: asyncio.Event) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            with contextlib.suppress(OutcomeUnknown, StoreUnavailable):
                user = await self._users.create({"username": f"{self._name}-{number}"})
                self.acknowledged[user.id] = user.version
                for name in ("Ann", "Anna", None):
                    with self._open(user.id):
                        user = await self._users.update(user.id, {"givenName": name})
                    self.acknowledged[user.id] = user.version
                    await self._read_back(user.id)

    @contextlib.contextmanager
    def _open(self, id: str) -> Iterator[None]:
        self.open.add(id)
        yield
        self.open.remove(id)

    async def _read_back(self, id: str) -> None:
        """Whoever is the primary now, a read sees the acknowledged write."""
        found = (await self._users.get([id])).get(id)
        assert found is not None
        assert found.version == self.acknowledged[id]


@contextlib.asynccontextmanager
async def writing(writers: list[Writer]) -> AsyncIterator[None]:
    """All write until exit; a writer's failure is the test's."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(writer.write_until(stop))
        try:
            yield
        finally:
            stop.set()


async def acknowledged_more(writers: list[Writer]) -> None:
    """Wait until every writer has had a few writes acknowledged from now on."""
    wanted = [len(writer.acknowledged) + 3 for writer in writers]

    async def enough() -> bool:
        return all(len(writer.acknowledged) >= count for writer, count in zip(writers, wanted, strict=True))

    await until(enough, "writes are acknowledged", 60)


class Follower:
    """Reads every change one by one, and goes on from its last position whenever the stream breaks, like a pipeline."""

    def __init__(self, replica_set: ReplicaSet, position: str) -> None:
        self._feed = replica_set.feed
        self.position = position
        self.told: dict[str, list[int]] = {}
        self.breaks = 0

    async def follow_until(self, done: asyncio.Event) -> None:
        """Until `done` is set and nothing more comes."""
        while True:
            try:
                async with self._feed.follow(self.position) as reader:
                    while True:
                        part = await reader.read(1, 0.5)
                        if not part.changes and done.is_set():
                            return
                        for change in part.changes:
                            self.told.setdefault(change.id, []).append(change.version)
                        self.position = part.position
            except StoreUnavailable:
                self.breaks += 1
                await asyncio.sleep(0.1)


async def test_elections_cost_neither_writes_nor_changes(replica_set: ReplicaSet) -> None:
    """Every acknowledged write is there, what is not known was settled, and the feed told every single version."""
    writers = [Writer(replica_set, f"writer{number}") for number in range(WRITERS)]
    follower = Follower(replica_set, await replica_set.feed.now())
    done = asyncio.Event()
    following = asyncio.create_task(follower.follow_until(done))
    async with writing(writers):
        await acknowledged_more(writers)
        await replica_set.step_down(WINDOW)
        await acknowledged_more(writers)
    done.set()
    await asyncio.wait_for(following, 60)

    stored = {user.id: user.version for user in await replica_set.store.scan(None, 100_000)}
    for writer in writers:
        for id, version in writer.acknowledged.items():
            assert stored[id] == version or (id in writer.open and stored[id] == version + 1)
    assert follower.told.keys() == stored.keys()
    for id, told in follower.told.items():
        assert sorted(set(told)) == list(range(1, stored[id] + 1))
        repeated = [version for version, previous in zip(told[1:], told, strict=False) if version <= previous]
        assert len(repeated) <= follower.breaks  # a stream that breaks goes back to the last position only


async def test_users_removed_as_a_whole_are_a_lost_position(replica_set: ReplicaSet) -> None:
    """The end of the stream is told by name; a position from before it cannot be followed either, one after it can."""
    await replica_set.users.create({"username": "gone"})
    before = await replica_set.feed.now()
    async with replica_set.feed.follow(before) as reader:
        await replica_set.client[replica_set.database]["users"].drop()
        with pytest.raises(PositionLost, match="removed as a whole: drop"):
            await _read_on(reader)
    with pytest.raises(PositionLost, match="removed as a whole: drop"):
        await _follow(replica_set, before)
    after = await replica_set.feed.now()
    user = await replica_set.users.create({"username": "new"})
    async with replica_set.feed.follow(after) as reader:
        assert [change.id for change in (await reader.read(10, 5)).changes] == [user.id]


async def _follow(replica_set: ReplicaSet, position: str) -> None:
    async with replica_set.feed.follow(position) as reader:
        await _read_on(reader)


async def _read_on(reader: FeedReader) -> None:
    async with asyncio.timeout(20):
        while True:
            await reader.read(10, 1)
