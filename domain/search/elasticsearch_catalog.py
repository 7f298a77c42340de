"""Every index of ours in Elasticsearch: seen whole, written by name, put behind the alias and dropped."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from typing import Any

from elasticsearch import ApiError, AsyncElasticsearch, BadRequestError, NotFoundError, TransportError

from domain.clock import Clock, now
from domain.errors import IndexMismatch, SearchUnavailable
from domain.search.document import digest
from domain.search.elasticsearch import error_type, translated
from domain.search.elasticsearch_indexes import Indexes, find_indexes, refresh, vanished
from domain.search.elasticsearch_mapping import index_name, mappings, settings
from domain.search.elasticsearch_query import held_body, view_body
from domain.search.elasticsearch_writer import NamedElasticsearchWriter
from domain.search.index import Held, IndexInfo, IndexView, IndexWriter

KEEP_ALIVE = "5m"
"""How long a view may wait for its next page; every page renews it."""

_MILLISECOND = timedelta(milliseconds=1)


class ElasticsearchCatalog:
    """The IndexCatalog of an alias; new indexes get the settings given here."""

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

    async def indexes(self) -> Sequence[IndexInfo]:
        return [IndexInfo(i.name, i.created_at, i.serving, i.fits) for i in (await self._find()).ours]

    async def create(self) -> str:
        at = self._clock()
        with translated(self._alias):
            while True:
                name = index_name(self._alias, at)
                try:
                    await self._client.indices.create(index=name, settings=self._settings, mappings=mappings())
                except BadRequestError as exc:
                    if error_type(exc) != "resource_already_exists_exception":
                        raise
                    at += _MILLISECOND
                else:
                    return name

    @asynccontextmanager
    async def view(self, name: str) -> AsyncIterator[IndexView]:
        (await self._find()).fitting(name)
        with self._translated(name):
            await refresh(self._client, name)
            opened = await self._client.open_point_in_time(index=name, keep_alive=KEEP_ALIVE)
        view = _View(self._client, self._alias, opened["id"])
        try:
            yield view
        finally:
            await view.close()

    async def look_up(self, name: str, ids: Sequence[str]) -> Mapping[str, Held]:
        """Not by a realtime GET: one from a shard that is still recovering looks like "not found"."""
        if not ids:
            return {}
        with self._translated(name):
            await refresh(self._client, name)
            answer = await self._client.search(index=name, body=held_body(ids), allow_partial_search_results=False)
        return {one.id: one for one in _held(answer.body)}

    @asynccontextmanager
    async def writer(self, name: str) -> AsyncIterator[IndexWriter]:
        writer = NamedElasticsearchWriter(self._client, self._alias, name)
        await writer.prepare()
        yield writer

    async def serve(self, name: str) -> None:
        found = await self._find()
        found.fitting(name)
        others = [index.name for index in found.ours if index.serving and index.name != name]
        actions: list[Mapping[str, Any]] = [{"remove": {"index": other, "alias": self._alias}} for other in others]
        actions.append({"add": {"index": name, "alias": self._alias, "is_write_index": True}})
        with self._translated(name):
            await self._client.indices.update_aliases(actions=actions)

    async def drop(self, name: str) -> None:
        found = await self._find()
        index = next((index for index in found.ours if index.name == name), None)
        if index is None:
            await self._leave(name)
        elif index.serving:
            raise IndexMismatch(f"The search alias {self._alias} leads to {name}: it is not dropped.")
        else:
            with translated(self._alias), suppress(NotFoundError):
                await self._client.indices.delete(index=name)

    async def _leave(self, name: str) -> None:
        """What is not ours is not dropped; what is not there need not be."""
        with translated(self._alias):
            if await self._client.indices.exists(index=name):
                raise IndexMismatch(f"The index {name} is none of this service's: it is not dropped.")

    async def _find(self) -> Indexes:
        with translated(self._alias):
            return await find_indexes(self._client, self._alias)

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        with translated(self._alias):
            try:
                yield
            except NotFoundError as exc:
                raise vanished(name) from exc


class _View:
    """A point in time, which the engine keeps as long as pages are asked for."""

    def __init__(self, client: AsyncElasticsearch, alias: str, id: str) -> None:
        self._client = client
        self._alias = alias
        self._id = id

    async def page(self, after: str | None, limit: int) -> Sequence[Held]:
        body = view_body(self._id, KEEP_ALIVE, after, limit)
        with translated(self._alias):
            try:
                answer = await self._client.search(body=body, allow_partial_search_results=False)
            except NotFoundError as exc:
                raise SearchUnavailable("The search engine has lost its view of the index: begin again.") from exc
        self._id = answer["pit_id"]
        return list(_held(answer.body))

    async def close(self) -> None:
        """A view that cannot be closed ends by itself; that is no reason to lose what came of it."""
        with suppress(ApiError, TransportError):
            await self._client.close_point_in_time(id=self._id)


def _held(answer: Mapping[str, Any]) -> Iterator[Held]:
    """The hits of a search that asked for the documents; one without a version is older than any."""
    for hit in answer["hits"]["hits"]:
        document = hit["_source"]
        yield Held(hit["_id"], document.get("version", 0), digest(document))
