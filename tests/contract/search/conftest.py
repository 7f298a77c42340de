"""One contract, three engines: each test runs on the oracle, on tantivy and on Elasticsearch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from domain.search.document import IndexEntry, search_document
from domain.search.index import IndexWriter, SearchIndex
from domain.users.model import User
from tests.contract.search.oracle import Oracle

TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Engine:
    """One empty index, seen through its two ports."""

    writer: IndexWriter
    index: SearchIndex

    async def show(self, entries: Sequence[IndexEntry]) -> None:
        """Write `entries`, in batches, and wait until searches show them."""
        for start in range(0, len(entries), 500):
            await self.writer.write(entries[start : start + 500])
        expected = {entry.id: entry.version for entry in entries if entry.document is not None}
        ids = [entry.id for entry in entries]
        for _ in range(1_000):
            if await self.index.versions(ids) == expected:
                return
            await asyncio.sleep(0.02)
        raise TimeoutError


def entry(user: User) -> IndexEntry:
    return IndexEntry(user.id, user.version, None if user.deleted else search_document(user))


@asynccontextmanager
async def open_engine(kind: str, folder: Path, url: str | None) -> AsyncIterator[Engine]:
    """A fresh index of `kind`, prepared."""
    match kind:
        case "tantivy":
            from domain.search.tantivy import TantivyIndex, open_tantivy_writer

            async with open_tantivy_writer(folder) as writer:
                await writer.prepare()
                yield Engine(writer, TantivyIndex(folder))
        case "elasticsearch":
            from domain.search.elasticsearch import ElasticsearchIndex, open_elasticsearch
            from domain.search.elasticsearch_writer import ElasticsearchWriter

            assert url
            alias = f"t{uuid4().hex}"
            async with open_elasticsearch(url, timeout=TIMEOUT) as client:
                es = ElasticsearchWriter(
                    client, alias, shards=3, replicas=0, refresh_interval=timedelta(milliseconds=100), timeout=TIMEOUT
                )
                await es.prepare()
                yield Engine(es, ElasticsearchIndex(client, alias, timeout=TIMEOUT))
                await client.indices.delete(index=",".join(await client.indices.get_alias(name=alias)))
        case _:
            oracle = Oracle()
            yield Engine(oracle, oracle)


@pytest.fixture(scope="session", params=["oracle", "tantivy", "elasticsearch"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def server_url(kind: str, request: pytest.FixtureRequest) -> str | None:
    return str(request.getfixturevalue("elasticsearch_url")) if kind == "elasticsearch" else None


@pytest.fixture
async def engine(kind: str, server_url: str | None, tmp_path: Path) -> AsyncIterator[Engine]:
    async with open_engine(kind, tmp_path / "index", server_url) as engine:
        yield engine
