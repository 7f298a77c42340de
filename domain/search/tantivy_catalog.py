"""Every tantivy index of ours: folders that are seen whole, written by name, pointed to and removed."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import tantivy

from domain.errors import IndexMismatch, SearchUnavailable
from domain.search.index import Held, IndexInfo, IndexView, IndexWriter
from domain.search.tantivy_folder import (
    create_folder,
    created_at,
    fits,
    folders,
    live_folder,
    named_folder,
    open_folder,
    point_to,
)
from domain.search.tantivy_reading import addresses_after, addresses_of, read_held
from domain.search.tantivy_writer import TantivyWriter

T = TypeVar("T")


class TantivyCatalog:
    """The IndexCatalog of the folder `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def indexes(self) -> Sequence[IndexInfo]:
        return await _in_thread(self._indexes)

    def _indexes(self) -> list[IndexInfo]:
        live = live_folder(self._path)
        return [
            IndexInfo(folder.name, created_at(folder), serving=folder == live, fits=fits(folder))
            for folder in folders(self._path)
        ]

    async def create(self) -> str:
        return (await _in_thread(lambda: create_folder(self._path))).name

    @asynccontextmanager
    async def view(self, name: str) -> AsyncIterator[IndexView]:
        yield await _in_thread(lambda: _View(open_folder(named_folder(self._path, name))))

    async def look_up(self, name: str, ids: Sequence[str]) -> Mapping[str, Held]:
        return await _in_thread(lambda: self._look_up(name, ids))

    def _look_up(self, name: str, ids: Sequence[str]) -> Mapping[str, Held]:
        index = open_folder(named_folder(self._path, name))
        searcher = index.searcher()
        return {held.id: held for held in read_held(searcher, addresses_of(searcher, index.schema, ids))}

    @asynccontextmanager
    async def writer(self, name: str) -> AsyncIterator[IndexWriter]:
        with ThreadPoolExecutor(1, thread_name_prefix="tantivy-writer") as thread:
            writer = TantivyWriter(self._path, thread, name)
            try:
                await writer.prepare()
                yield writer
            finally:
                await writer.close()

    async def serve(self, name: str) -> None:
        await _in_thread(lambda: self._serve(name))

    def _serve(self, name: str) -> None:
        folder = named_folder(self._path, name)
        open_folder(folder)
        point_to(folder)

    async def drop(self, name: str) -> None:
        await _in_thread(lambda: self._drop(name))

    def _drop(self, name: str) -> None:
        folder = self._path / name
        if folder == live_folder(self._path):
            raise IndexMismatch(f"The index in {folder} serves: it is not removed.")
        if folder in folders(self._path):
            hidden = folder.with_name(f".dropped-{name}")
            folder.rename(hidden)  # at once, so that nobody meets half of it
            for leftover in self._path.glob(".dropped-*"):
                shutil.rmtree(leftover)
        elif name and folder.exists():
            raise IndexMismatch(f"{folder} is no index of this service's: it is not removed.")


class _View:
    """A searcher, which goes on seeing the files that it has opened, whatever is written or removed."""

    def __init__(self, index: tantivy.Index) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()

    async def page(self, after: str | None, limit: int) -> Sequence[Held]:
        return await _in_thread(lambda: self._page(after, limit))

    def _page(self, after: str | None, limit: int) -> list[Held]:
        return read_held(self._searcher, addresses_after(self._searcher, self._schema, after, limit))


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except (OSError, ValueError) as exc:
        raise SearchUnavailable(f"The search indexes cannot be read: {exc}") from exc
