"""A rebuild while Kafka Connect writes the index: it follows the alias, and nobody has to pause it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.backends import StoreBackend, open_index_catalog, open_index_writer, open_store
from domain.settings import Settings
from indexer.connectors.apply import apply
from indexer.connectors.worker import ConnectWorker
from indexer.pairs import RELAY
from tests.integration.indexer.command import command
from tests.integration.indexer.connect import level, shipped, worker_for
from tests.integration.indexer.pipeline import until_level
from tests.integration.indexer.process import Environment, indexer, settings_of

USERS = 30


@pytest.fixture
def environment(cluster: Environment, connect_url: str) -> Environment:
    """What was under way at the swap is over after twice SEARCH_TIMEOUT."""
    return {**cluster, "CONNECT_URL": connect_url, "SEARCH_TIMEOUT": "2"}


class Traffic:
    """Somebody who creates, changes and deletes all the time."""

    def __init__(self, store: StoreBackend) -> None:
        self._store = store
        self._live: list[str] = []
        self._turn = 0
        self.ever: dict[str, int] = {}
        self.deleted: set[str] = set()

    async def create(self, count: int) -> None:
        rows = [{"username": f"user{self._turn}x{number}"} for number in range(count)]
        made = [result.user for result in await self._store.users.import_rows(rows, by="username")]
        self._live += [user.id for user in made if user is not None]
        self.ever.update({user.id: 1 for user in made if user is not None})

    @contextlib.asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Until exit, and for a second after the block has ended."""
        stop = asyncio.Event()
        writing = asyncio.create_task(self._write(stop))
        try:
            yield
            await asyncio.sleep(1)
        finally:
            stop.set()
            await writing

    async def _write(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._turn += 1
            await self.create(1)
            for id in self._live[self._turn % 9 :: 9]:
                await self._store.users.update(id, {"displayName": f"Turn {self._turn}"})
            gone = self._live.pop(self._turn % len(self._live))
            await self._store.users.delete(gone)
            self.deleted.add(gone)
            await asyncio.sleep(0.1)


async def test_an_index_that_connect_writes_is_rebuilt_under_traffic_and_nothing_drifts(
    environment: Environment, tmp_path: Path
) -> None:
    settings = settings_of(environment)
    file = shipped(settings.kafka_topic)
    relay = indexer(environment, tmp_path / "relay.log", "--from", "mongo", "--to", "kafka")
    async with open_store(settings) as store, worker_for(settings) as worker, relay:
        async with open_index_writer(settings) as writer:
            await writer.prepare()
        traffic = Traffic(store)
        await traffic.create(USERS)
        await apply(file, settings, worker)
        served = await _serving(settings)

        async with traffic.flowing():
            await _json(environment, "rebuild")
        await _nothing_drifts(environment, store, worker, file.name, traffic)
        assert await _serving(settings) != served
    assert traffic.deleted


async def _json(environment: Environment, *line: str) -> Any:
    ended = await command(environment, *line, "--json")
    assert ended.exit_code == 0, ended.out + ended.err
    return json.loads(ended.out)


async def _serving(settings: Settings) -> str:
    async with open_index_catalog(settings) as catalog:
        (name,) = [index.name for index in await catalog.indexes() if index.serving]
    return name


async def _nothing_drifts(
    environment: Environment, store: StoreBackend, worker: ConnectWorker, name: str, traffic: Traffic
) -> None:
    """Once relay and connector have delivered everything, and without any repair."""
    settings = settings_of(environment)
    await until_level(settings, RELAY, store, traffic.ever)
    await level(settings, worker, name)
    report = await _json(environment, "verify", "--patience", "1")
    assert report["drift"] == 0
    assert report["users"] == report["documents"] == len(traffic.ever) - len(traffic.deleted)
