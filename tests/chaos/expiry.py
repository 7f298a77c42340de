"""A pause past `index.gc_deletes` with updates and deletions in flight: what would resurrect users if it were sent.

Both indexers hold a batch that Elasticsearch refuses for the moment. One of them is stopped; the other one takes its
partitions over and delivers the batch, and then the deletion of the same users; Elasticsearch forgets the deletions.
Then the stopped one wakes, with the old batch in its memory.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx

from domain.errors import SearchUnavailable
from domain.search.elasticsearch_mapping import GC_DELETES
from domain.search.index import SearchIndex
from domain.settings import Settings
from tests.chaos.clients import Client
from tests.chaos.faults import Faults
from tests.chaos.history import Call
from tests.chaos.proxy import Refusing
from tests.integration.indexer.process import until

USERS = 30
HOLD_SECONDS = 1.5
TAKE_OVER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Expiry:
    """`max_age`: the indexers' BATCH_MAX_AGE; `forgotten`: the shortened gc_deletes, both in seconds.

    The former is less than the latter, as five minutes are less than an hour.
    """

    max_age: float
    forgotten: float

    async def inflict(self, target: str, faults: Faults, client: Client, settings: Settings) -> tuple[int, int]:
        """Writes acknowledged in the second before the pause, and when it was over (monotonic nanoseconds)."""
        proxy, index = faults.proxy, faults.index
        assert proxy is not None
        users = [_made(await client.create(f"expiry{number}")).user for number in range(USERS)]
        await _searchable(users, index)
        part = faults.parts[target]
        async with _forgetting(settings, self.forgotten):
            proxy.refusing = Refusing.REQUESTS
            try:
                for id in users:
                    _made(await client.update(id, "in flight"))
                await asyncio.sleep(HOLD_SECONDS)
                before = await faults.writing()
                await part.pause()
            finally:
                proxy.refusing = Refusing.NOTHING
            for id in users:
                _made(await client.delete(id))
            await _gone(users, index)
            await asyncio.sleep(self.forgotten * 1.5)
            over = time.monotonic_ns()
            await part.resume()
            await asyncio.sleep(HOLD_SECONDS)  # for the old batch to arrive while the deletions are forgotten
        return before, over


def _made(call: Call | None) -> Call:
    assert call is not None, "the API does not answer"
    assert call.acknowledged, call
    return call


async def _searchable(users: Sequence[str], index: SearchIndex) -> None:
    await until(lambda: _count(users, index, len(users)), "the users can be found", TAKE_OVER_SECONDS)


async def _gone(users: Sequence[str], index: SearchIndex) -> None:
    await until(lambda: _count(users, index, 0), "another indexer has delivered the deletions", TAKE_OVER_SECONDS)


async def _count(users: Sequence[str], index: SearchIndex, wanted: int) -> bool:
    try:
        return len(await index.versions(users)) == wanted
    except SearchUnavailable:
        return False


@contextlib.asynccontextmanager
async def _forgetting(settings: Settings, seconds: float) -> AsyncIterator[None]:
    """Elasticsearch forgets deletions after that many seconds, until exit."""
    assert settings.elasticsearch_url is not None
    url = f"{settings.elasticsearch_url.get_secret_value()}/{settings.search_alias}/_settings"
    async with httpx.AsyncClient(trust_env=False) as client:
        (await client.put(url, json={"index.gc_deletes": f"{seconds:.0f}s"})).raise_for_status()
        try:
            yield
        finally:
            (await client.put(url, json={"index.gc_deletes": GC_DELETES})).raise_for_status()
