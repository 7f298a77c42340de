"""Writing users to the search indexes, beside their engines with ready documents, and the whole pipeline."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import tantivy
from elasticsearch import AsyncElasticsearch
from elasticsearch.helpers import async_bulk

from benchmarks.measure import RACE_HEADER, Race, Side, race, race_row, rate, table, timed
from benchmarks.people import raw_rows, ready_users
from benchmarks.servers import environment, lent
from benchmarks.system import filled, indexing
from domain.search.document import IndexEntry, search_document
from domain.search.elasticsearch import open_elasticsearch
from domain.search.elasticsearch_writer import ElasticsearchWriter
from domain.search.index import IndexWriter, Outcome
from domain.search.tantivy_folder_writer import HEAP_BYTES
from domain.search.tantivy_schema import build_schema, to_tantivy
from domain.search.tantivy_writer import open_tantivy_writer
from domain.settings import Mode
from tests.servers.elasticsearch import ElasticsearchServer

TIMEOUT = timedelta(seconds=60)


async def measure(count: int, modes: Sequence[Mode], *, embedded: bool, cluster: bool) -> None:
    """Print how fast users become documents, documents are indexed, and a store's users are searchable."""
    users = ready_users(raw_rows(count))
    documents, projection = timed(lambda: [search_document(user) for user in users])
    entries = [IndexEntry(user.id, user.version, document) for user, document in zip(users, documents, strict=True)]
    print(f"## Indexes, {count:,} users\n")
    print(table(("preparation", "rate"), [("analysis: user → search document", rate(count, projection))]))
    if embedded:
        print(table(RACE_HEADER, [race_row("tantivy, add_document and commit", await _tantivy(entries))]))
    if cluster:
        print(table(RACE_HEADER, [race_row("Elasticsearch, async_bulk", await _elasticsearch(entries))]))
    print(
        table(("from the indexer's start to the last user found", "rate"), [await _pipeline(count, m) for m in modes])
    )


async def _write(writer: IndexWriter, entries: Sequence[IndexEntry]) -> None:
    results = await writer.write(entries)
    if not all(result.outcome is Outcome.APPLIED for result in results):
        raise SystemExit("A write of the benchmark was not applied.")


async def _tantivy(entries: Sequence[IndexEntry]) -> Race:
    schema = build_schema()
    documents = [to_tantivy(entry, schema) for entry in entries]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        raw_folder = Path(folder) / "raw"
        raw_folder.mkdir()
        raw = tantivy.Index(schema, path=str(raw_folder)).writer(HEAP_BYTES, 1)

        def add(ready: Sequence[tantivy.Document]) -> None:
            for document in ready:
                raw.add_document(document)
            raw.commit()

        async def write_raw(ready: Sequence[tantivy.Document]) -> None:
            await asyncio.to_thread(add, ready)

        async with open_tantivy_writer(Path(folder) / "ours") as ours:
            await ours.prepare()
            result = await race(Side(entries, lambda batch: _write(ours, batch)), Side(documents, write_raw))
        raw.wait_merging_threads()
        return result


async def _elasticsearch(entries: Sequence[IndexEntry]) -> Race:
    actions = [_action(entry) for entry in entries]
    async with lent(ElasticsearchServer) as url, open_elasticsearch(url, timeout=TIMEOUT) as client:

        async def write_raw(ready: Sequence[dict[str, Any]]) -> None:
            await async_bulk(client, ready, chunk_size=len(ready), require_alias=True)

        async with _writer(client, "raw"), _writer(client, "ours") as ours:
            return await race(Side(entries, lambda batch: _write(ours, batch)), Side(actions, write_raw))


@asynccontextmanager
async def _writer(client: AsyncElasticsearch, alias: str) -> AsyncIterator[ElasticsearchWriter]:
    """Our writer, and with it an index of ours behind `alias`."""
    refresh = timedelta(seconds=1)
    writer = ElasticsearchWriter(client, alias, shards=1, replicas=0, refresh_interval=refresh, timeout=TIMEOUT)
    await writer.prepare()
    yield writer


def _action(entry: IndexEntry) -> dict[str, Any]:
    meta = {"_op_type": "index", "_index": "raw", "_id": entry.id}
    return {**meta, "version": entry.version, "version_type": "external", "_source": entry.document}


async def _pipeline(count: int, mode: Mode) -> tuple[str, str]:
    async with environment(mode) as variables:
        await filled(variables, count)
        async with indexing(variables) as seconds:
            return mode.value, rate(count, seconds)
