"""The writing side of the tantivy index: one process holds its lock, and follows the pointer wherever it leads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from domain.errors import SearchUnavailable, SettingsError
from domain.search.document import IndexEntry
from domain.search.index import Outcome, Result
from domain.search.tantivy_folder import create_folder, folders, live_folder, named_folder, point_to
from domain.search.tantivy_folder_writer import Deletions, FolderLocked, FolderWriter, delete_in

T = TypeVar("T")


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
    """The IndexWriter of the index to which the pointer leads, or of the index `name` alone."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor, name: str | None = None) -> None:
        self._path = path
        self._thread = thread
        self._name = name
        self._open: FolderWriter | None = None
        self._deletions = Deletions()

    async def prepare(self) -> None:
        """Raises SettingsError if another process holds the index, IndexMismatch, SearchUnavailable."""
        await self._run(self._prepare)

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        return await self._run(lambda: self._write(entries, repair=repair))

    async def scan(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        return await self._run(lambda: self._current().scan(after, limit))

    async def close(self) -> None:
        await self._run(self._close)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (OSError, ValueError) as exc:
            raise SearchUnavailable(f"The search index cannot be written: {exc}") from exc

    def _prepare(self) -> None:
        if self._name is None and live_folder(self._path) is None:
            point_to(create_folder(self._path))
        try:
            self._current()
        except FolderLocked as exc:
            if self._name is not None:
                raise
            raise SettingsError(
                f"Another indexer writes to {self._path}: stop it, or set DATA_DIR to another folder."
            ) from exc

    def _current(self) -> FolderWriter:
        """The writer of the folder to write to now: a rebuild may have put another one in place since."""
        folder = self._folder()
        if self._open is not None and (self._open.folder != folder or not self._open.is_there):
            self._close()
        if self._open is None:
            self._open = FolderWriter(folder, self._deletions)
        return self._open

    def _folder(self) -> Path:
        if self._name is not None:
            return named_folder(self._path, self._name)
        live = live_folder(self._path)
        if live is None:
            raise SearchUnavailable(f"There is no search index in {self._path}: start the indexer, which makes it.")
        return live

    def _write(self, entries: Sequence[IndexEntry], *, repair: bool) -> list[Result]:
        writer = self._current()
        try:
            results = writer.write(entries, repair=repair)
        except BaseException:
            self._close()  # what was added and not committed must not come with the next batch
            raise
        deleted = [entry.id for entry in entries if entry.document is None]
        missed = self._delete_elsewhere(deleted) if deleted and self._name is None else []
        if not missed:
            return results
        busy = Result(Outcome.BUSY, f"no deletion in the index {' and '.join(missed)}")
        return [busy if entry.document is None else result for entry, result in zip(entries, results, strict=True)]

    def _delete_elsewhere(self, ids: Sequence[str]) -> list[str]:
        """Delete `ids` in all our other indexes; the names of those that it did not reach."""
        missed = []
        for folder in folders(self._path):
            if self._open is None or folder != self._open.folder:
                try:
                    delete_in(folder, ids)
                except (OSError, ValueError):
                    if folder.exists():
                        missed.append(folder.name)
        return missed

    def _close(self) -> None:
        writer, self._open = self._open, None
        if writer is not None:
            with suppress(ValueError):  # all that counts has been committed, or is written again
                writer.close()
