"""Writes to Elasticsearch: the index is made once, and every write carries the user's version."""

from collections.abc import Sequence
from datetime import timedelta

from elasticsearch import ApiError, AsyncElasticsearch

from domain.clock import Clock, now
from domain.errors import IndexMismatch
from domain.search.document import IndexEntry
from domain.search.elasticsearch import ids_and_versions, missing, search, translated
from domain.search.elasticsearch_bulk import Target, VersionType, write_bulk
from domain.search.elasticsearch_indexes import Indexes, find_indexes, refresh
from domain.search.elasticsearch_mapping import index_name, mappings, meta, settings
from domain.search.elasticsearch_query import scan_body
from domain.search.index import Result


class ElasticsearchWriter:
    """The IndexWriter behind an alias."""

    def __init__(
        self,
        client: AsyncElasticsearch,
        alias: str,
        *,
        shards: int,
        replicas: int,
        refresh_interval: timedelta,
        timeout: timedelta,
        clock: Clock = now,
    ) -> None:
        self._client = client.options(request_timeout=timeout.total_seconds())
        self._alias = alias
        self._settings = settings(shards=shards, replicas=replicas, refresh_interval=refresh_interval)
        self._clock = clock

    async def prepare(self) -> None:
        with translated(self._alias):
            found = await self._find()
            if found.serving is None:
                await self._create()
                found = await self._find()
        self._check(found)

    async def _find(self) -> Indexes:
        return await find_indexes(self._client, self._alias)

    async def _create(self) -> None:
        """Two processes may do this at once: there can be one write index only, so the later one is refused."""
        try:
            await self._client.indices.create(
                index=index_name(self._alias, self._clock()),
                settings=self._settings,
                mappings=mappings(),
                aliases={self._alias: {"is_write_index": True}},
            )
        except ApiError:
            if (await self._find()).serving is None:
                raise

    def _check(self, found: Indexes) -> None:
        serving = found.serving
        if serving is None:
            raise missing(self._alias)
        if not serving.fits:
            raise IndexMismatch(
                f"The search alias {self._alias} leads to {serving.name}, whose shape is {dict(serving.meta)}; this "
                f"release writes {meta()}: rebuild the index (python -m indexer rebuild)."
            )

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        if not entries:
            return []
        version_type: VersionType = "external_gte" if repair else "external"
        with translated(self._alias):
            kept: Sequence[str] = ()
            if any(entry.document is None for entry in entries):
                kept = await self._kept()
            return await write_bulk(self._client, Target(self._alias, is_alias=True), entries, version_type, kept=kept)

    async def _kept(self) -> Sequence[str]:
        """Our other indexes, which a deletion has to reach. Raises SearchUnavailable without the alias."""
        found = await self._find()
        if found.serving is None:
            raise missing(self._alias)
        return found.kept

    async def scan(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        """As the port says, for at most 10,000 at once; a scan's first page shows all that was written before it."""
        with translated(self._alias):
            return await _scan(self._client, self._alias, after, limit)


class NamedElasticsearchWriter:
    """The IndexWriter of the index `name` alone, whatever the alias of ours leads to."""

    def __init__(self, client: AsyncElasticsearch, alias: str, name: str) -> None:
        self._client = client
        self._alias = alias
        self._name = name

    async def prepare(self) -> None:
        """Raises IndexMismatch if the index is gone or of another shape: a write to it would make one of any shape."""
        with translated(self._alias):
            (await find_indexes(self._client, self._alias)).fitting(self._name)

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        if not entries:
            return []
        await self.prepare()
        with translated(self._alias):
            target = Target(self._name, is_alias=False)
            return await write_bulk(self._client, target, entries, "external_gte" if repair else "external")

    async def scan(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        with translated(self._alias):
            return await _scan(self._client, self._name, after, limit)


async def _scan(client: AsyncElasticsearch, index: str, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
    if after is None:
        await refresh(client, index)
    return list(ids_and_versions(await search(client, index, scan_body(after, limit))))
