"""The oracle's catalog: several oracles by name, to one of which the alias leads."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import now
from domain.errors import IndexMismatch, SearchUnavailable
from domain.search.document import IndexEntry, digest
from domain.search.index import Held, IndexInfo, IndexView, IndexWriter, Outcome, Result
from domain.search.query import SearchRequest, SearchResult
from tests.contract.search.oracle import Oracle


class OracleCatalog:
    """`oracles` are the indexes themselves, to look at and to spoil; those in `misfits` are of another shape."""

    def __init__(self) -> None:
        self.oracles: dict[str, Oracle] = {}
        self.misfits: set[str] = set()
        self.serving: str | None = None
        self._created_at: dict[str, datetime] = {}

    @property
    def alias(self) -> "OracleAlias":
        """The reading and the writing port of whatever the alias leads to."""
        return OracleAlias(self)

    async def indexes(self) -> Sequence[IndexInfo]:
        return [
            IndexInfo(name, self._created_at[name], serving=name == self.serving, fits=name not in self.misfits)
            for name in self.oracles
        ]

    async def create(self) -> str:
        at = max([now(), *(made_at + timedelta(milliseconds=1) for made_at in self._created_at.values())])
        name = f"users-{at:%Y%m%d%H%M%S%f}"
        self._created_at[name] = at
        self.oracles[name] = Oracle()
        return name

    @asynccontextmanager
    async def view(self, name: str) -> AsyncIterator[IndexView]:
        yield _View(_held(self.fitting(name)))

    async def look_up(self, name: str, ids: Sequence[str]) -> Mapping[str, Held]:
        held = _held(self.fitting(name))
        return {id: held[id] for id in ids if id in held}

    @asynccontextmanager
    async def writer(self, name: str) -> AsyncIterator[IndexWriter]:
        self.fitting(name)
        yield _NamedWriter(self, name)

    async def serve(self, name: str) -> None:
        self.fitting(name)
        self.serving = name

    async def drop(self, name: str) -> None:
        if name == self.serving:
            raise IndexMismatch(f"The index {name} serves: it is not dropped.")
        self.oracles.pop(name, None)
        self._created_at.pop(name, None)
        self.misfits.discard(name)

    def fitting(self, name: str) -> Oracle:
        if name not in self.oracles:
            raise IndexMismatch(f"There is no index {name}.")
        if name in self.misfits:
            raise IndexMismatch(f"The index {name} has another shape.")
        return self.oracles[name]


@dataclass(frozen=True, slots=True)
class _View:
    held: Mapping[str, Held]

    async def page(self, after: str | None, limit: int) -> Sequence[Held]:
        return [self.held[id] for id in sorted(self.held) if id > (after or "")][:limit]


def _held(oracle: Oracle) -> Mapping[str, Held]:
    return {
        id: Held(id, entry.document.get("version", 0), digest(entry.document))
        for id, entry in oracle.entries.items()
        if entry.document is not None
    }


@dataclass(frozen=True, slots=True)
class _NamedWriter:
    catalog: OracleCatalog
    name: str

    async def prepare(self) -> None:
        self.catalog.fitting(self.name)

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        return await self.catalog.fitting(self.name).write(entries, repair=repair)

    async def scan(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        return await self.catalog.fitting(self.name).scan(after, limit)


class OracleAlias:
    """Both ports of an index over the alias of `catalog`; deletions reach the other indexes as well."""

    def __init__(self, catalog: OracleCatalog) -> None:
        self._catalog = catalog

    def _serving(self) -> Oracle:
        if self._catalog.serving is None:
            raise SearchUnavailable("There is no search index behind the alias.")
        return self._catalog.oracles[self._catalog.serving]

    async def prepare(self) -> None:
        if self._catalog.serving is None:
            self._catalog.serving = await self._catalog.create()

    async def ping(self) -> None:
        self._serving()

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        results = await self._serving().write(entries, repair=repair)
        gone = {
            entry.id
            for entry, result in zip(entries, results, strict=True)
            if entry.document is None and result.outcome is not Outcome.REJECTED
        }
        for name, oracle in self._catalog.oracles.items():
            if name != self._catalog.serving:
                oracle.forget(gone)
        return results

    async def scan(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        return await self._serving().scan(after, limit)

    async def versions(self, ids: Sequence[str]) -> Mapping[str, int]:
        return await self._serving().versions(ids)

    async def search(self, request: SearchRequest) -> SearchResult:
        return await self._serving().search(request)
