"""A position that the topic does not have any more leads to a resync from the store, never to a silent jump."""

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import PolicyViolationError
from aiokafka.structs import TopicPartition

from domain.backends import StoreBackend
from domain.errors import SearchUnavailable
from domain.search.document import IndexEntry, search_document
from domain.search.index import Result
from domain.settings import Settings
from domain.users.model import User
from indexer.requests import Kind, pending, post
from indexer.sinks.kafka import open_kafka_sink
from indexer.sources.kafka import KafkaSource, open_kafka_source
from indexer.status import State
from indexer.topics import POLICY, ensure_topics
from tests.integration.indexer.consuming import consuming, memory_backend, until
from tests.integration.indexer.topic import admin_of
from tests.unit.indexer.fakes import FakeSink, entry

KNOWN = range(20)
"""Users of the topic: deleted from the sink where a gap is closed, because the store does not have them."""


@pytest.fixture
def settings(kafka_bootstrap_servers: str) -> Settings:
    return Settings(kafka_bootstrap_servers=kafka_bootstrap_servers, kafka_topic=f"t{uuid4().hex}", kafka_partitions=3)


class Rig:
    """A topic of which all was delivered to `sink`, and a store whose users only a resync delivers."""

    def __init__(self, settings: Settings, admin: AIOKafkaAdminClient) -> None:
        self.settings = settings
        self.admin = admin
        self.sink = FakeSink()
        self.backend: StoreBackend = memory_backend()
        self.users: list[User] = []
        self.group = "g"

    async def begin(self) -> None:
        await self.write([entry(n) for n in KNOWN])
        async with self.consuming():
            await until(lambda: len(self.sink.users) == len(KNOWN))
        assert not await self.owed()
        self.users = [await self.backend.users.create({"username": f"user{n}"}) for n in range(5)]

    async def write(self, entries: Sequence[IndexEntry]) -> None:
        async with open_kafka_sink(self.settings, "w", set()) as topic:
            await topic.write(entries)

    @contextlib.asynccontextmanager
    async def consuming(self) -> AsyncIterator[None]:
        async with consuming(self.settings, self.group, self.sink, backend=self.backend):
            yield

    async def owed(self) -> int:
        return len(await pending(self.backend.ledger, self.group))

    async def resynced(self) -> None:
        """Wait until exactly the store's users are in the sink, and that is committed."""
        wanted = {user.id for user in self.users}
        await until(lambda: {made.id for made in self.sink.users.values() if made.document is not None} == wanted)

    async def truncate(self) -> None:
        """As an operator can who first makes the topic one from which records may be deleted."""
        parts = [TopicPartition(self.settings.kafka_topic, number) for number in range(3)]
        await self._configure({**POLICY, "cleanup.policy": "compact,delete"})
        due = time.monotonic() + 60
        while True:
            assert time.monotonic() < due
            with contextlib.suppress(PolicyViolationError):  # the broker learns of its configuration in a moment
                await self.admin.delete_records({part: RecordsToDelete(-1) for part in parts})
                break
        await self._configure(POLICY)

    async def _configure(self, config: Mapping[str, str]) -> None:
        topic = ConfigResource(ConfigResourceType.TOPIC, self.settings.kafka_topic, dict(config))
        await self.admin.alter_configs([topic])

    async def recreate(self) -> None:
        await self.admin.delete_topics([self.settings.kafka_topic])
        due = time.monotonic() + 60
        while self.settings.kafka_topic in await self.admin.list_topics():
            assert time.monotonic() < due
        await ensure_topics(self.settings)

    async def forget(self) -> None:
        """A broker forgets the offsets of a group that is away for long."""
        self.group = "another"

    async def ask(self) -> None:
        await post(self.backend.ledger, self.group, Kind.RESYNC)


class Outage(FakeSink):
    """Does not answer until it is over."""

    over = False

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        if not self.over:
            raise SearchUnavailable
        return await super().write(entries, repair=repair)


@pytest.fixture
async def rig(settings: Settings) -> AsyncIterator[Rig]:
    async with admin_of(settings) as admin:
        rig = Rig(settings, admin)
        await rig.begin()
        yield rig


async def _cut(rig: Rig) -> None:
    """What was written while nobody read is gone, and the topic begins behind it."""
    await rig.write([entry(n, 2) for n in KNOWN])
    await rig.truncate()


async def _refill(rig: Rig) -> None:
    """Another topic of the same name, longer than the first one was."""
    await rig.recreate()
    for _ in range(20):
        await rig.write([IndexEntry(user.id, user.version, search_document(user)) for user in rig.users])


@pytest.mark.parametrize(
    "lose",
    [_cut, Rig.recreate, _refill, Rig.forget, Rig.ask],
    ids=["cut", "recreated", "refilled", "forgotten", "asked"],
)
async def test_what_was_lost_meanwhile_is_told_by_the_store(rig: Rig, lose: Callable[[Rig], Awaitable[None]]) -> None:
    await lose(rig)
    async with rig.consuming():
        await rig.resynced()
    assert not await rig.owed()
    writes = len(rig.sink.writes)
    async with rig.consuming():
        await rig.write([entry(99)])
        await until(lambda: entry(99).id in rig.sink.users)
    assert len(rig.sink.writes) == writes + 1  # nothing is read or told again


async def test_what_is_lost_while_it_runs_is_told_by_the_store(rig: Rig) -> None:
    """The reader is behind when the topic is cut."""
    async with (
        open_kafka_source(rig.settings, rig.group, rig.sink, rig.backend) as source,
        contextlib.aclosing(source.chunks()) as chunks,
    ):
        assert not (await anext(chunks)).entries
        parts = source._consumer.assignment()
        source._consumer.pause(*parts)
        await _cut(rig)
        source._consumer.resume(*parts)
        async for chunk in chunks:
            await rig.sink.write(chunk.entries)
            if chunk.position is not None and chunk.position.resynced:
                assert await rig.owed()
                await source.commit(chunk.position)
                break
    await rig.resynced()
    assert not await rig.owed()


async def test_a_resync_that_breaks_off_begins_again(rig: Rig) -> None:
    await _cut(rig)
    async with (
        open_kafka_source(rig.settings, rig.group, rig.sink, rig.backend) as source,
        contextlib.aclosing(source.chunks()) as chunks,
    ):
        async for chunk in chunks:
            if chunk.position is not None:
                await source.commit(chunk.position)
            if chunk.snapshot:
                break
    async with rig.consuming():
        await rig.resynced()
    assert not await rig.owed()


async def test_an_outage_of_the_sink_moves_no_partition(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lasts longer than a session of the group: a reader that waits sends its heartbeats all the same."""
    monkeypatch.setattr("indexer.sources.kafka.SESSION_MILLISECONDS", 6_000)
    monkeypatch.setattr("indexer.retry.MOST_SECONDS", 1.0)
    assigned = 0
    counted = KafkaSource.on_partitions_assigned

    def count(source: KafkaSource, parts: Sequence[TopicPartition]) -> None:
        nonlocal assigned
        assigned += 1
        counted(source, parts)

    monkeypatch.setattr(KafkaSource, "on_partitions_assigned", count)
    sink, backend, end = Outage(), memory_backend(), time.monotonic()
    async with open_kafka_sink(settings, "w", set()) as topic:
        await topic.write([entry(n) for n in KNOWN])
        async with (
            consuming(settings, "g", sink, backend=backend) as one,
            consuming(settings, "g", sink, backend=backend) as other,
        ):
            await until(lambda: State.BACKOFF in (one.state, other.state))
            for version in range(2, 6):  # more than the readers read ahead
                await topic.write([entry(n, version) for n in KNOWN])
            await until(lambda: {one.state, other.state} == {State.BACKOFF})
            before, end = assigned, time.monotonic() + 8
            await until(lambda: time.monotonic() > end)
            assert (assigned, sink.users) == (before, {})
            sink.over = True
            await until(lambda: {made.version for made in sink.users.values()} == {5} and len(sink.users) == len(KNOWN))
            assert assigned == before
