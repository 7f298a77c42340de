"""The same topic read by the indexer and by Kafka Connect, beside async_bulk alone with the same documents."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from elasticsearch import AsyncElasticsearch
from elasticsearch.helpers import async_bulk

from benchmarks.measure import batches, rate, seconds, table
from benchmarks.people import raw_rows, ready_users
from benchmarks.servers import Environment, environment, worker
from benchmarks.system import ROOT, child, settings_of
from domain.backends import open_index_writer
from domain.search.document import IndexEntry, search_document
from domain.search.elasticsearch import open_elasticsearch
from domain.settings import Mode, Settings
from indexer.connectors.apply import apply
from indexer.connectors.file import parse
from indexer.connectors.worker import open_worker
from indexer.sinks.kafka import open_kafka_sink

ROUNDS = 3
"""Of the indexer and of async_bulk, which take turns; Connect has one."""

POLL_SECONDS = 0.01
SHIPPED = ROOT / "deploy" / "kafka-connect" / "http-sink.json"


async def measure(count: int) -> None:
    """Print how fast each of them indexes, counted from the first document that is there to the last."""
    users = ready_users(raw_rows(count))
    entries = [IndexEntry(user.id, user.version, search_document(user)) for user in users]
    async with environment(Mode.CLUSTER) as variables, worker(variables) as connect_url:
        settings = settings_of({**variables, "CONNECT_URL": connect_url})
        await _relay(settings, entries)
        ours, raw = [], []
        for number in range(ROUNDS):
            async with _index(settings, f"bulk{number}") as index:
                raw.append(await _bulk(index, entries))
            async with _index(settings, f"indexer{number}") as index:
                ours.append(await index.seconds(count, partial(_indexer, variables, index.alias)))
        async with _index(settings, settings.search_alias) as index:
            sink = await index.seconds(count, partial(_connect, settings))
    _show(count, statistics.median(ours), statistics.median(raw), sink)


def _show(count: int, ours: float, raw: float, sink: float) -> None:
    print(f"## Kafka Connect, {count:,} records of one topic\n")
    sides = [("`async_bulk` alone", raw), ("the indexer", ours), ("Kafka Connect, http-sink.json", sink)]
    rows = [(name, rate(count, took), f"{raw / took:.2f}", f"{sink / took:.1f}") for name, took in sides]
    print(table(("who writes to Elasticsearch", "rate", "of async_bulk", "times Connect"), rows))


class _Index:
    """An index of ours behind `alias`, and what it says that it has indexed, refreshed or not."""

    def __init__(self, client: AsyncElasticsearch, alias: str) -> None:
        self.client = client
        self.alias = alias

    async def seconds(self, count: int, fill: Callable[[asyncio.Event], Awaitable[None]]) -> float:
        """How long `count` documents take at the rate of `fill`, its own start not counted.

        `fill` is told by the event that all of them are there.
        """
        full = asyncio.Event()
        filling = asyncio.ensure_future(fill(full))
        begun = await self._reaches(1, filling)
        ended = await self._reaches(count, filling)
        full.set()
        await filling
        return (ended[1] - begun[1]) * count / (count - begun[0])

    async def _reaches(self, count: int, filling: "asyncio.Future[None]") -> tuple[int, float]:
        """How many documents there are as soon as there are `count`, and when that was."""
        while True:
            found, now = await self.indexed(), time.perf_counter()
            if found >= count:
                return found, now
            if filling.done() and filling.exception():
                filling.result()
            await asyncio.sleep(POLL_SECONDS)

    async def indexed(self) -> int:
        stats: Any = await self.client.indices.stats(index=self.alias, metric="indexing")
        return int(stats["_all"]["primaries"]["indexing"]["index_total"])


@asynccontextmanager
async def _index(settings: Settings, alias: str) -> AsyncIterator[_Index]:
    async with open_index_writer(settings.model_copy(update={"search_alias": alias})) as writer:
        await writer.prepare()
    assert settings.elasticsearch_url is not None
    url = settings.elasticsearch_url.get_secret_value()
    async with open_elasticsearch(url, timeout=settings.request_timeout) as client:
        yield _Index(client, alias)


async def _relay(settings: Settings, entries: Sequence[IndexEntry]) -> None:
    """Write the topic as the relay does."""
    async with open_kafka_sink(settings, "benchmark", set()) as sink:
        for batch in batches(entries):
            await sink.write(batch)


async def _bulk(index: _Index, entries: Sequence[IndexEntry]) -> float:
    """Seconds. It starts at once, so nobody has to watch it, which would take time from it in this process."""
    common = {"_op_type": "index", "_index": index.alias, "version_type": "external"}
    actions = [{**common, "_id": entry.id, "version": entry.version, "_source": entry.document} for entry in entries]
    return await seconds(async_bulk(index.client, actions, require_alias=True))


async def _indexer(variables: Environment, alias: str, full: asyncio.Event) -> None:
    pair = ("--from", "kafka", "--to", "elasticsearch")
    async with child(variables, "indexer", "run", *pair, INDEXER_PORT="0", SEARCH_ALIAS=alias):
        await full.wait()


async def _connect(settings: Settings, full: asyncio.Event) -> None:
    async with open_worker(settings) as opened:
        await apply(parse(SHIPPED.read_bytes(), SHIPPED.name), settings, opened)
        await full.wait()
