"""Search by tantivy, in this process, over files that the indexer writes: the API only reads and reloads."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import tantivy
from tantivy import Order, Query

from domain.errors import IndexMissing, SearchUnavailable
from domain.search.query import MAX_FACET_VALUES, After, FacetValue, Hit, SearchRequest, SearchResult
from domain.search.tantivy_folder import META, live_folder, open_folder
from domain.search.tantivy_query import PlanQuery, both, later_ids, without
from domain.search.tantivy_reading import found_versions, read_ids
from domain.search.tantivy_writer import TantivyWriter, open_tantivy_writer
from domain.users.fields import Field

__all__ = ["TantivyIndex", "TantivyWriter", "open_tantivy_writer"]

T = TypeVar("T")
Hits = list[tuple[float, tantivy.DocAddress]]

OVERFETCH = 500
"""Ties at a page's end are mostly shorter than this; longer ones take a second query."""

_ALL_VALUES = 65_000
"""So many buckets are counted before the best are chosen: counts are exact as long as there are no more values."""


class TantivyIndex:
    """The search index below `path`."""

    def __init__(self, path: Path, *, timeout: timedelta = timedelta(seconds=5)) -> None:
        self._path = path
        self._timeout = timeout.total_seconds()
        self._folder: Path | None = None
        self._seen: tuple[int, int] | None = None
        self._index: tantivy.Index | None = None

    async def search(self, request: SearchRequest) -> SearchResult:
        if request.plan.finds_nobody:
            return SearchResult((), 0, more=False, facets={field.name: () for field in request.facets})
        return await self._run(lambda index: _Search(index, request).result())

    async def versions(self, ids: Sequence[str]) -> Mapping[str, int]:
        return await self._run(lambda index: found_versions(index.searcher(), index.schema, ids))

    async def ping(self) -> None:
        await self._run(lambda index: index.searcher().num_docs)

    async def _run(self, work: Callable[[tantivy.Index], T]) -> T:
        """`work` on the index as last committed, in a thread."""
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.to_thread(lambda: work(self._current()))
        except TimeoutError as exc:
            raise SearchUnavailable from exc
        except (OSError, ValueError) as exc:
            raise SearchUnavailable("The search index cannot be read.", hint=str(exc)) from exc

    def _current(self) -> tantivy.Index:
        folder = live_folder(self._path)
        if folder is None:
            raise IndexMissing("There is no search index yet: start the indexer (python -m indexer run).")
        stat = (folder / META).stat()
        seen = (stat.st_ino, stat.st_mtime_ns)
        if self._index is None or folder != self._folder:
            self._index, self._folder = open_folder(folder), folder
        elif seen != self._seen:
            self._index.reload()
        self._seen = seen
        return self._index


class _Search:
    """One request on one view of the index."""

    def __init__(self, index: tantivy.Index, request: SearchRequest) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()
        self._request = request
        self._queries = PlanQuery(index.schema, request.plan, request.filter)
        self._scored = self._queries.scored

    def result(self) -> SearchResult:
        wanted = self._request.limit + 1
        after = self._request.after
        total, hits = self._first(wanted) if after is None else (self._count(), self._next(after, wanted))
        return SearchResult(
            hits[: self._request.limit],
            total,
            more=len(hits) == wanted,
            facets={field.name: self._facet(field) for field in self._request.facets},
        )

    def _count(self) -> int:
        return _total(self._searcher.search(self._scored, limit=1))

    def _first(self, wanted: int) -> tuple[int, list[Hit]]:
        found = self._searcher.search(self._scored, limit=max(OVERFETCH, 2 * wanted))
        total = _total(found)
        return total, self._page(self._scored, found.hits, total, wanted)

    def _next(self, after: After, wanted: int) -> list[Hit]:
        """The rest of the cursor's tie, then what scores less."""
        tie, higher = self._queries.exactly(after.score), self._queries.at_least(after.score)
        if tie is None or higher is None:
            every = self._ordered(self._all(self._scored))
            return [hit for hit in every if (-hit.score, hit.id) > (-after.score, after.id)][:wanted]
        hits = self._by_id(both(tie, later_ids(self._schema, after.id)), after.score, wanted)
        if len(hits) == wanted:
            return hits
        lower = without(self._scored, higher)
        found = self._searcher.search(lower, limit=max(OVERFETCH, 2 * wanted))
        return hits + self._page(lower, found.hits, _total(found), wanted - len(hits))

    def _page(self, query: Query, found: Hits, total: int, wanted: int) -> list[Hit]:
        """The first `wanted` of `total` hits of `query`, of which `found` are those with the highest scores."""
        if not found:
            return []
        last = found[min(wanted, len(found)) - 1][0]
        if total <= len(found) or last > found[-1][0]:
            return self._ordered([hit for hit in found if hit[0] >= last])[:wanted]
        above = self._ordered([hit for hit in found if hit[0] > last])
        tie = self._queries.exactly(round(last))
        if tie is None:
            every = [hit for hit in self._all(query) if hit[0] == last]
            return above + self._ordered(every)[: wanted - len(above)]
        return above + self._by_id(tie, round(last), wanted - len(above))

    def _all(self, query: Query) -> Hits:
        return self._searcher.search(query, limit=max(1, self._searcher.num_docs), count=False).hits

    def _ordered(self, hits: Hits) -> list[Hit]:
        """By score descending, then id."""
        addresses = [address for _, address in hits]
        ids = read_ids(self._searcher, addresses)
        return sorted(
            (Hit(id, round(score)) for (score, _), id in zip(hits, ids, strict=True)),
            key=lambda hit: (-hit.score, hit.id),
        )

    def _by_id(self, query: Query, score: int, wanted: int) -> list[Hit]:
        found = self._searcher.search(query, limit=wanted, count=False, order_by_field="id", order=Order.Asc)
        return [Hit(str(id), score) for id, _ in found.hits]

    def _facet(self, field: Field) -> list[FacetValue]:
        terms = {"values": {"terms": {"field": field.compared, "size": _ALL_VALUES}}}
        buckets = self._searcher.aggregate(self._scored, terms)["values"]["buckets"]
        values = [FacetValue(bucket["key"], bucket["doc_count"]) for bucket in buckets]
        return sorted(values, key=lambda value: (-value.count, value.value))[:MAX_FACET_VALUES]


def _total(found: tantivy.SearchResult) -> int:
    return int(found.count)  # type: ignore[attr-defined]  # the stub lacks it
