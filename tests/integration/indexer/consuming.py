"""A session from a real topic to a sink of the test's, beside a store in memory."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from domain.backends import StoreBackend
from domain.settings import Settings
from domain.users.service import UserService
from indexer.batching import Limits
from indexer.pipeline import Session
from indexer.sources.kafka import open_kafka_source
from indexer.status import Status
from tests.contract.users.memory import MemoryChangeFeed, MemoryDatabase, MemoryLedger, MemoryUserStore
from tests.unit.indexer.fakes import FakeDeadLetters, FakeSink


def memory_backend() -> StoreBackend:
    database = MemoryDatabase()
    store = MemoryUserStore(database)
    return StoreBackend(store, MemoryChangeFeed(database), MemoryLedger(database), UserService(store))


@contextlib.asynccontextmanager
async def consuming(
    settings: Settings,
    group: str,
    sink: FakeSink,
    letters: FakeDeadLetters | None = None,
    backend: StoreBackend | None = None,
) -> AsyncIterator[Status]:
    """Drained at exit."""
    status, stop = Status("kafka-to-fake"), asyncio.Event()
    async with open_kafka_source(settings, group, sink, backend or memory_backend()) as source:
        session = Session(
            source, sink, letters or FakeDeadLetters(), limits=Limits(100, 1_000_000, 0), status=status, stop=stop
        )
        running = asyncio.create_task(session.run())
        try:
            yield status
        finally:
            stop.set()
            await running


async def until(done: Callable[[], bool], also: Callable[[], Awaitable[object]] | None = None) -> None:
    """Wait until `done`, at most 20 s; `also` is called at every look."""
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        if also:
            await also()
        await asyncio.sleep(0.05)
