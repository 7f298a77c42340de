"""A pipeline of the indexer inside the test's process, and comparing what it delivers to with the store."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from domain.backends import StoreBackend, open_backends, open_store
from domain.errors import SearchUnavailable
from domain.settings import Settings
from indexer.pairs import RELAY, Pair
from indexer.pipelines import Builder
from indexer.status import Status
from indexer.supervisor import supervise
from tests.integration.indexer.process import until
from tests.integration.indexer.topic import newest_versions, read_all


@contextlib.asynccontextmanager
async def pipeline(settings: Settings, pair: Pair) -> AsyncIterator[Status]:
    """Runs `pair` with a store connection of its own; drained and stopped at exit."""
    stop = asyncio.Event()
    async with open_store(settings) as store:
        status = Status(pair.name)
        running = asyncio.create_task(supervise(Builder(settings, store, stop).sessions(pair, status), status, stop))
        try:
            yield status
        finally:
            stop.set()
            await asyncio.wait_for(running, 30)


async def until_level(settings: Settings, pair: Pair, store: StoreBackend, ever: Mapping[str, int]) -> None:
    """Wait until the sink of `pair` holds, of all the users there `ever` were, what the store holds now."""
    live = await store.users.get(list(ever))
    wanted = {id: user.version for id, user in live.items()}
    async with open_backends(settings) as backends:

        async def level() -> bool:
            if pair == RELAY:
                return await _in_topic(settings) == wanted
            try:
                return await backends.index.versions(list(ever)) == wanted
            except SearchUnavailable:
                return False  # it is not made yet

        await until(level, f"what {pair.name} delivers to is level with the store")


async def _in_topic(settings: Settings) -> Mapping[str, int]:
    newest = newest_versions(await read_all(settings, settings.kafka_topic))
    return {id: version for id, (version, is_user) in newest.items() if is_user}
