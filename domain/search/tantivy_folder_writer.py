"""Writes into one tantivy folder: its lock, the comparison of versions, one commit a batch. All of it blocks."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import tantivy

from domain.errors import SearchUnavailable
from domain.search.document import IndexEntry
from domain.search.index import Outcome, Result
from domain.search.tantivy_folder import META, open_folder
from domain.search.tantivy_reading import addresses_after, found_versions, read_ids, read_versions
from domain.search.tantivy_schema import ID, to_tantivy

HEAP_BYTES = 64_000_000
SMALL_HEAP_BYTES = 15_000_000
"""The least that tantivy takes."""

REMEMBERED_DELETIONS = 100_000

_APPLIED, _STALE = Result(Outcome.APPLIED), Result(Outcome.STALE)


class FolderLocked(SearchUnavailable):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"Another process writes to the index in {folder}: wait until it has ended, or stop it.")


class Deletions:
    """The versions of the recent past's deletions, so that an older write that comes late is stale.

    That is enough: what comes from the store's journal is always the store's newest version of a user.
    """

    def __init__(self) -> None:
        self._versions: OrderedDict[str, int] = OrderedDict()

    def version(self, id: str) -> int:
        return self._versions.get(id, 0)

    def remember(self, entry: IndexEntry) -> None:
        """`entry` has been applied."""
        if entry.document is not None:
            self._versions.pop(entry.id, None)
            return
        self._versions[entry.id] = entry.version
        self._versions.move_to_end(entry.id)
        if len(self._versions) > REMEMBERED_DELETIONS:
            self._versions.popitem(last=False)


class FolderWriter:
    """Holds the lock of `folder` until it is closed.

    Raises IndexMismatch if another release made the index, FolderLocked, SearchUnavailable if it is broken. Every
    method raises OSError or ValueError, as tantivy does, if the files are not what they have to be.
    """

    def __init__(self, folder: Path, deletions: Deletions) -> None:
        self.folder = folder
        self._deletions = deletions
        self._index = open_folder(folder)
        self._writer = lock(self._index, folder, HEAP_BYTES)

    @property
    def is_there(self) -> bool:
        """Whether the folder has not been removed meanwhile."""
        return (self.folder / META).exists()

    def write(self, entries: Sequence[IndexEntry], *, repair: bool) -> list[Result]:
        """All of `entries` in one commit, or none of them; after an error the writer can only be closed."""
        present = found_versions(self._index.searcher(), self._index.schema, [entry.id for entry in entries])
        results = [_STALE if self._is_stale(entry, present, repair=repair) else _APPLIED for entry in entries]
        applied = [entry for entry, result in zip(entries, results, strict=True) if result is _APPLIED]
        for entry in applied:
            if entry.id in present:
                self._writer.delete_documents_by_term(ID, entry.id)
            if entry.document is not None:
                self._writer.add_document(to_tantivy(entry, self._index.schema))
        self._writer.commit()
        for entry in applied:
            self._deletions.remember(entry)
        self._index.reload()
        return results

    def _is_stale(self, entry: IndexEntry, present: Mapping[str, int], *, repair: bool) -> bool:
        known = max(present.get(entry.id, 0), self._deletions.version(entry.id))
        return entry.version < known or (entry.version == known and not repair)

    def scan(self, after: str | None, limit: int) -> list[tuple[str, int]]:
        searcher = self._index.searcher()
        addresses = addresses_after(searcher, self._index.schema, after, limit)
        return list(zip(read_ids(searcher, addresses), read_versions(searcher, addresses), strict=True))

    def close(self) -> None:
        """Give the lock back, when the merges in flight are done; what was not committed is dropped."""
        self._writer.wait_merging_threads()


def lock(index: tantivy.Index, folder: Path, heap_bytes: int) -> tantivy.IndexWriter:
    """The one writer of `index`, which lies in `folder`. Raises FolderLocked if there is one already."""
    try:
        return index.writer(heap_bytes, 1)
    except ValueError as exc:
        if "LockBusy" not in str(exc):
            raise
        raise FolderLocked(folder) from exc


def delete_in(folder: Path, ids: Sequence[str]) -> None:
    """Delete users from an index of any shape. Raises OSError, ValueError.

    A folder that is gone, or that another process writes to, is left alone: whoever fills an index follows the feed.
    """
    if not (folder / META).exists():
        return
    index = tantivy.Index.open(str(folder))
    searcher = index.searcher()
    if not any(searcher.search(tantivy.Query.term_query(index.schema, ID, id), limit=1).hits for id in ids):
        return
    try:
        writer = lock(index, folder, SMALL_HEAP_BYTES)
    except FolderLocked:
        return
    for id in ids:
        writer.delete_documents_by_term(ID, id)
    writer.commit()
    writer.wait_merging_threads()
