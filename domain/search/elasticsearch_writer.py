"""Writes to Elasticsearch: the index is made once, and every write carries the user's version."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
from elasticsearch import ApiError, AsyncElasticsearch, NotFoundError

from domain.clock import Clock, now
from domain.errors import IndexMismatch
from domain.search.document import IndexEntry
from domain.search.elasticsearch import ids_and_versions, missing, search, translated
from domain.search.elasticsearch_mapping import index_name, mappings, meta, settings
from domain.search.elasticsearch_query import scan_body
from domain.search.index import Outcome, Result

_APPLIED = Result(Outcome.APPLIED)
_STALE = Result(Outcome.STALE)
_TOO_LARGE = Result(Outcome.REJECTED, "larger than the search engine accepts")


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
            if not await self._behind_alias():
                await self._create()
            self._check(await self._behind_alias())

    async def _behind_alias(self) -> Mapping[str, Any]:
        """The indexes behind the alias by name, with their aliases and mappings; none if there is no alias."""
        try:
            found: dict[str, Any] = (
                await self._client.indices.get(index=self._alias, features="aliases,mappings")
            ).body
        except NotFoundError:
            return {}
        if self._alias in found:
            raise IndexMismatch(
                f"{self._alias} is an index, but has to be an alias: delete or rename it, or set SEARCH_ALIAS."
            )
        return found

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
            if not await self._behind_alias():
                raise

    def _check(self, found: Mapping[str, Any]) -> None:
        writable = {
            name: index
            for name, index in found.items()
            if len(found) == 1 or index["aliases"][self._alias].get("is_write_index")
        }
        if not writable:
            raise self._mismatch(f"has no index to write to among {', '.join(sorted(found)) or 'none'}")
        for name, index in writable.items():
            theirs = index["mappings"].get("_meta")
            if theirs != meta():
                raise self._mismatch(f"leads to {name}, whose shape is {theirs}; this release writes {meta()}")

    def _mismatch(self, what: str) -> IndexMismatch:
        return IndexMismatch(f"The search alias {self._alias} {what}: rebuild the index (python -m indexer rebuild).")

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        if not entries:
            return []
        with translated(self._alias):
            if any(entry.document is None for entry in entries):
                await self._require_alias()
            return await self._write(entries, "external_gte" if repair else "external")

    async def _require_alias(self) -> None:
        """`require_alias` does not hold deletions back: one with a version would make an index of the alias's name."""
        if not await self._client.indices.exists_alias(name=self._alias):
            raise missing(self._alias)

    async def _write(self, entries: Sequence[IndexEntry], version_type: str) -> list[Result]:
        try:
            answer = await self._client.bulk(
                index=self._alias,
                operations=bulk_lines(entries, version_type),  # type: ignore[arg-type]  # lines of JSON go as they are
                require_alias=True,
                filter_path="items.*.status,items.*.error.type,items.*.error.reason",
            )
        except ApiError as exc:
            if exc.status_code != 413:
                raise
            if len(entries) == 1:
                return [_TOO_LARGE]
            half = len(entries) // 2
            return [*await self._write(entries[:half], version_type), *await self._write(entries[half:], version_type)]
        return [self._result(item) for item in answer.body["items"]]

    def _result(self, item: Mapping[str, Any]) -> Result:
        """What became of one item. A status that is not known to be final is one to try again."""
        ((action, content),) = item.items()
        error = content.get("error", {})
        kind = error.get("type", "unknown")
        match content["status"]:
            case 200 | 201:
                return _APPLIED
            case 404 if action == "delete" and not error:
                return _APPLIED
            case 404:
                raise missing(self._alias)
            case 409:
                return _STALE
            case 400 if "write index" in error.get("reason", ""):
                raise self._mismatch("has no index to write to")
            case 400:
                return Result(Outcome.REJECTED, kind)
            case 413:
                return _TOO_LARGE
            case _:
                return Result(Outcome.BUSY, kind)

    async def scan(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        """As the port says, for at most 10,000 at once; a scan's first page shows all that was written before it."""
        if after is None:
            with translated(self._alias):
                await self._client.indices.refresh(index=self._alias)
        return list(ids_and_versions(await search(self._client, self._alias, scan_body(after, limit))))


def bulk_lines(entries: Sequence[IndexEntry], version_type: str) -> list[bytes]:
    """The lines of a bulk request."""
    lines = []
    for entry in entries:
        action = "delete" if entry.document is None else "index"
        lines.append(orjson.dumps({action: {"_id": entry.id, "version": entry.version, "version_type": version_type}}))
        if entry.document is not None:
            lines.append(orjson.dumps(entry.document))
    return lines
