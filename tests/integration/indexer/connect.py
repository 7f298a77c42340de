"""The connector that is shipped, for a test's own topic and index, and waiting for what it does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from domain.settings import Settings
from indexer.connectors.file import ConnectorFile, parse
from indexer.connectors.health import Verdict
from indexer.connectors.progress import open_progress_reader, watch
from indexer.connectors.worker import ConnectWorker, open_worker
from tests.integration.indexer.process import ROOT, until

SHIPPED = ROOT / "deploy" / "kafka-connect" / "http-sink.json"
SECONDS = 120.0
"""A busy machine's time for what takes five seconds."""


def shipped(topic: str) -> ConnectorFile:
    """Topic and alias are of one name."""
    text = SHIPPED.read_text()
    for place in ('"topics": "users"', "/users/_doc/", '"name": "users-'):
        assert text.count(place) == 1
        text = text.replace(place, place.replace("users", topic))
    return parse(text.encode(), SHIPPED.name)


@contextlib.asynccontextmanager
async def worker_for(settings: Settings) -> AsyncIterator[ConnectWorker]:
    """At exit the connectors of this topic are removed."""
    async with open_worker(settings) as opened:
        try:
            yield opened
        finally:
            for connector in await opened.connectors():
                if settings.kafka_topic in connector.topics:
                    await opened.remove(connector.name)


async def level(settings: Settings, worker: ConnectWorker, name: str) -> None:
    """Wait until the connector has committed all that is in the topic."""
    async with open_progress_reader(settings) as reader:

        async def is_level() -> bool:
            await asyncio.sleep(0.3)  # servers that share two processors with this test are asked seldom
            (found,) = await watch(worker, reader, 0, name=name)
            return found.verdict is Verdict.LEVEL

        await until(is_level, "the connector has committed everything", SECONDS)
