"""The writing side of the tantivy index: one process holds its lock, compares versions and commits each batch."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import tantivy
from tantivy import Order, Query

from domain.errors import SearchUnavailable, SettingsError
from domain.search.document import IndexEntry
from domain.search.index import Outcome, Result
from domain.search.tantivy_folder import create_folder, live_folder, open_folder
from domain.search.tantivy_query import later_ids
from domain.search.tantivy_reading import found_versions, read_versions
from domain.search.tantivy_schema import ID, to_tantivy

T = TypeVar("T")

HEAP_BYTES = 64_000_000
REMEMBERED_DELETIONS = 100_000

_APPLIED, _STALE = Result(Outcome.APPLIED), Result(Outcome.STALE)


@asynccontextmanager
async def open_tantivy_writer(path: Path) -> AsyncIterator["TantivyWriter"]:
    """The writer of the index below `path`; merges in flight are waited for at the end."""
    with ThreadPoolExecutor(1, thread_name_prefix="tantivy-writer") as thread:
        writer = TantivyWriter(path, thread)
        try:
            yield writer
        finally:
            await writer.close()


class TantivyWriter:
    """Deletions of the recent past are remembered, so that an older write that comes late is stale.

    That is enough: what comes from the store's journal is always the store's newest version of a user.
    """

    def __init__(self, path: Path, thread: ThreadPoolExecutor) -> None:
        self._path = path
        self._thread = thread
        self._index: tantivy.Index | None = None
        self._writer: tantivy.IndexWriter | None = None
        self._deleted: OrderedDict[str, int] = OrderedDict()

    async def prepare(self) -> None:
        """Raises SettingsError if another process holds the index, IndexMismatch, SearchUnavailable."""
        await self._run(self._prepare)

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        return await self._run(lambda: self._write(entries, repair=repair))

    async def scan(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        return await self._run(lambda: self._scan(after, limit))

    async def close(self) -> None:
        await self._run(self._close)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (OSError, ValueError) as exc:
            raise SearchUnavailable(f"The search index cannot be written: {exc}") from exc

    def _prepare(self) -> None:
        if self._writer is not None:
            return
        index = open_folder(live_folder(self._path) or create_folder(self._path))
        try:
            self._writer = index.writer(HEAP_BYTES, 1)
        except ValueError as exc:
            if "LockBusy" not in str(exc):
                raise
            raise SettingsError(
                f"Another indexer writes to {self._path}: stop it, or set DATA_DIR to another folder."
            ) from exc
        self._index = index

    def _open(self) -> tuple[tantivy.Index, tantivy.IndexWriter]:
        self._prepare()
        if self._index is None or self._writer is None:
            raise SearchUnavailable("The search index is not open for writing.")
        return self._index, self._writer

    def _write(self, entries: Sequence[IndexEntry], *, repair: bool) -> list[Result]:
        index, writer = self._open()
        present = found_versions(index.searcher(), index.schema, [entry.id for entry in entries])
        results = [_STALE if self._is_stale(entry, present, repair=repair) else _APPLIED for entry in entries]
        try:
            for entry, result in zip(entries, results, strict=True):
                if result is _APPLIED:
                    self._apply(index, writer, entry, is_there=entry.id in present)
            writer.commit()
        except BaseException:
            # What was added and not committed must not come with the next batch.
            writer.rollback()
            raise
        index.reload()
        return results

    def _is_stale(self, entry: IndexEntry, present: Mapping[str, int], *, repair: bool) -> bool:
        known = max(present.get(entry.id, 0), self._deleted.get(entry.id, 0))
        return entry.version < known or (entry.version == known and not repair)

    def _apply(self, index: tantivy.Index, writer: tantivy.IndexWriter, entry: IndexEntry, *, is_there: bool) -> None:
        if is_there:
            writer.delete_documents_by_term(ID, entry.id)
        if entry.document is not None:
            self._deleted.pop(entry.id, None)
            writer.add_document(to_tantivy(entry, index.schema))
            return
        self._deleted[entry.id] = entry.version
        self._deleted.move_to_end(entry.id)
        if len(self._deleted) > REMEMBERED_DELETIONS:
            self._deleted.popitem(last=False)

    def _scan(self, after: str | None, limit: int) -> list[tuple[str, int]]:
        index, _ = self._open()
        searcher = index.searcher()
        query = Query.all_query() if after is None else later_ids(index.schema, after)
        found = searcher.search(query, limit=limit, count=False, order_by_field=ID, order=Order.Asc)
        versions = read_versions(searcher, [address for _, address in found.hits])
        return [(str(id), version) for (id, _), version in zip(found.hits, versions, strict=True)]

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.wait_merging_threads()
            self._writer = self._index = None
