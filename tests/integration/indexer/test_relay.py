"""Two relays, of which one is stopped, taken over, and wakes again: a user's last record is its newest version.

That record is the one that compaction keeps for ever. The same with `kill -9`, and standing by.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.backends import StoreBackend, open_store
from domain.settings import Settings
from indexer.lease import PREFIX
from indexer.sinks.kafka import open_kafka_sink
from indexer.topics import ensure_topics
from tests.integration.indexer.process import Environment, indexer, settings_of, until
from tests.integration.indexer.topic import newest_versions, read_all
from tests.servers.kafka import KafkaServer
from tests.unit.indexer.fakes import entry

RELAY = ("--from", "mongo", "--to", "kafka")
USERS = 20
PAUSES = 4


@pytest.fixture
def settings(cluster: Environment) -> Settings:
    return settings_of(cluster)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[StoreBackend]:
    async with open_store(settings) as opened:
        yield opened


class Writers:
    """Changes users all the time; `acknowledged` are the versions that the store confirmed."""

    def __init__(self, store: StoreBackend) -> None:
        self._store = store
        self.acknowledged: dict[str, int] = {}

    async def create(self) -> None:
        for number in range(USERS):
            user = await self._store.users.create({"username": f"user{number}"})
            self.acknowledged[user.id] = user.version

    @contextlib.asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """Changes users one after the other until exit; the last change is acknowledged, too."""
        stop = asyncio.Event()
        changing = asyncio.create_task(self._change_until(stop))
        try:
            yield
        finally:
            stop.set()
            await changing

    async def _change_until(self, stop: asyncio.Event) -> None:
        for number, id in enumerate(itertools.cycle(list(self.acknowledged))):
            if stop.is_set():
                return
            user = await self._store.users.update(id, {"displayName": f"Name {number}"})
            self.acknowledged[id] = user.version


async def _epoch(store: StoreBackend) -> int:
    entry = await store.ledger.read(PREFIX + "mongo-to-kafka")
    return entry.value["epoch"] if entry and entry.value["holder"] else 0


async def _taken_over(store: StoreBackend, epoch: int) -> None:
    async def later() -> bool:
        return await _epoch(store) > epoch

    await until(later, f"a relay takes over from epoch {epoch}")


async def _level(settings: Settings, writers: Writers) -> None:
    async def level() -> bool:
        return await _newest(settings) == writers.acknowledged

    await until(level, "the topic's last records are the newest versions")


async def _newest(settings: Settings) -> dict[str, int]:
    newest = newest_versions(await read_all(settings, settings.kafka_topic))
    return {id: version for id, (version, _) in newest.items()}


async def test_a_relay_that_wakes_from_a_pause_appends_nothing_old(
    cluster: Environment, settings: Settings, store: StoreBackend, tmp_path: Path
) -> None:
    writers = Writers(store)
    await writers.create()
    async with contextlib.AsyncExitStack() as stack:
        active = await stack.enter_async_context(indexer(cluster, tmp_path / "a.log", *RELAY))
        await _taken_over(store, 0)
        standby = await stack.enter_async_context(indexer(cluster, tmp_path / "b.log", *RELAY))
        for _ in range(PAUSES):
            epoch = await _epoch(store)
            async with writers.changing():
                await asyncio.sleep(random.uniform(0.5, 1.5))
                await active.pause()
                await _taken_over(store, epoch)
                await asyncio.sleep(0.5)
            await _level(settings, writers)  # from now on, whatever the paused one appends stays the last record
            active.resume()
            active, standby = standby, active
            await asyncio.sleep(1)
            assert await _newest(settings) == writers.acknowledged
        assert min(writers.acknowledged.values()) > PAUSES
        assert await standby.end() == 0
        assert await active.end() == 0


async def test_a_relay_that_is_killed_is_taken_over_within_seconds(
    cluster: Environment, settings: Settings, store: StoreBackend, tmp_path: Path
) -> None:
    writers = Writers(store)
    await writers.create()
    async with (
        indexer(cluster, tmp_path / "a.log", *RELAY) as active,
        contextlib.AsyncExitStack() as stack,
    ):
        await _taken_over(store, 0)
        await stack.enter_async_context(indexer(cluster, tmp_path / "b.log", *RELAY))
        async with writers.changing():
            await asyncio.sleep(5)
            epoch = await _epoch(store)
            await active.kill()
            await asyncio.wait_for(_taken_over(store, epoch), 10)
            await asyncio.sleep(1)
        await _level(settings, writers)


async def test_a_resync_deletes_what_the_topic_holds_beyond_the_store(
    cluster: Environment, settings: Settings, store: StoreBackend, tmp_path: Path
) -> None:
    """The orphan's deletion is newer than what the topic held, and the last record of its key."""
    writers = Writers(store)
    await writers.create()
    orphan = entry(1, version=7)
    async with open_kafka_sink(settings, "another release", set()) as sink:
        await sink.write([orphan])
    assert newest_versions(await read_all(settings, settings.kafka_topic)) == {orphan.id: (7, True)}
    wanted = {id: (version, True) for id, version in writers.acknowledged.items()} | {orphan.id: (8, False)}

    async def level() -> bool:
        return newest_versions(await read_all(settings, settings.kafka_topic)) == wanted

    async with indexer(cluster, tmp_path / "a.log", *RELAY) as relay:
        await until(level, "the orphan is deleted, the users are there")
        assert await relay.end() == 0


async def test_a_stop_while_the_broker_does_not_answer_ends_in_time(
    without_kafka: Environment, kafka_server: KafkaServer, tmp_path: Path
) -> None:
    environment = {**without_kafka, "KAFKA_BOOTSTRAP_SERVERS": kafka_server.url, "SHUTDOWN_TIMEOUT": "3"}
    settings = settings_of(environment)
    await ensure_topics(settings)  # or this test's reading would create it, otherwise than it has to be
    async with open_store(settings) as store, indexer(environment, tmp_path / "a.log", *RELAY) as relay:
        writers = Writers(store)
        await writers.create()
        await _level(settings, writers)
        await kafka_server.pause()
        async with writers.changing():
            await asyncio.sleep(1)
        begun = time.monotonic()
        assert await relay.end() == 0
        assert time.monotonic() - begun < 15
        await kafka_server.resume()
        async with indexer(environment, tmp_path / "b.log", *RELAY):
            await _level(settings, writers)
