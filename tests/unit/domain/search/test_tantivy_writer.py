"""The tantivy writer among other folders and other processes: their locks, a pointer that moves, folders that go."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.errors import IndexMismatch, SearchUnavailable, SettingsError
from domain.search.document import IndexEntry, search_document
from domain.search.index import Outcome
from domain.search.tantivy_catalog import TantivyCatalog
from domain.search.tantivy_folder import POINTER, SHAPE, create_folder, live_folder
from domain.search.tantivy_folder_writer import Deletions
from domain.search.tantivy_writer import TantivyWriter, open_tantivy_writer
from domain.users.model import User
from tests.contract.users.users import a_user


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[TantivyWriter]:
    async with open_tantivy_writer(tmp_path) as writer:
        await writer.prepare()
        yield writer


@pytest.fixture
def catalog(tmp_path: Path) -> TantivyCatalog:
    return TantivyCatalog(tmp_path)


def _entry(user: User) -> IndexEntry:
    return IndexEntry(user.id, user.version, search_document(user))


def _live(path: Path) -> Path:
    folder = live_folder(path)
    assert folder is not None
    return folder


async def _ids(catalog: TantivyCatalog, name: str) -> list[str]:
    async with catalog.view(name) as view:
        return [held.id for held in await view.page(None, 100)]


def test_only_the_last_deletions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.search.tantivy_folder_writer.REMEMBERED_DELETIONS", 2)
    deletions = Deletions()
    for id, version in (("a", 3), ("b", 4), ("a", 5), ("c", 6)):
        deletions.remember(IndexEntry(id, version, None))
    assert [deletions.version(id) for id in "abc"] == [5, 0, 6]


async def test_a_batch_waits_for_the_lock_of_a_new_index_and_comes_whole(
    writer: TantivyWriter, catalog: TantivyCatalog, tmp_path: Path
) -> None:
    """A rebuild holds the lock of the index that it has just put in place."""
    old, new = _live(tmp_path).name, await catalog.create()
    gone, batch = a_user(version=3), [_entry(a_user()), _entry(a_user())]
    await writer.write([IndexEntry(gone.id, 9, None)])
    async with catalog.writer(new):
        await catalog.serve(new)
        for _ in range(2):
            with pytest.raises(SearchUnavailable, match=f"Another process writes to the index in .*{new}"):
                await writer.write(batch)
    results = await writer.write([*batch, _entry(gone)])
    assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.APPLIED, Outcome.STALE]
    assert await _ids(catalog, new) == sorted(entry.id for entry in batch)
    assert await _ids(catalog, old) == []
    async with catalog.writer(old):
        pass  # its lock is free


async def test_a_deletion_skips_an_index_that_another_process_fills(
    writer: TantivyWriter, catalog: TantivyCatalog
) -> None:
    user, other = a_user(), await catalog.create()
    async with catalog.writer(other) as filling:
        await filling.write([_entry(user)])
        (result,) = await writer.write([IndexEntry(user.id, 5, None)])
        assert result.outcome is Outcome.APPLIED
        (result,) = await filling.write([IndexEntry(user.id, 5, None)])
        assert result.outcome is Outcome.APPLIED
    assert await _ids(catalog, other) == []


async def test_a_deletion_that_does_not_reach_a_broken_index_is_busy_until_that_is_gone(
    writer: TantivyWriter, catalog: TantivyCatalog, tmp_path: Path
) -> None:
    user, kept, broken = a_user(), a_user(), await catalog.create()
    (tmp_path / broken / "meta.json").write_text("{")
    entries = [_entry(kept), IndexEntry(user.id, 5, None)]
    written, deleted = await writer.write(entries)
    assert (written.outcome, deleted.outcome) == (Outcome.APPLIED, Outcome.BUSY)
    assert deleted.reason == f"no deletion in the index {broken}"
    await catalog.drop(broken)
    assert [result.outcome for result in await writer.write(entries)] == [Outcome.STALE, Outcome.STALE]


async def test_a_deletion_reaches_an_index_of_another_shape(
    writer: TantivyWriter, catalog: TantivyCatalog, tmp_path: Path
) -> None:
    user, other = a_user(), await catalog.create()
    async with catalog.writer(other) as filling:
        await filling.write([_entry(user)])
    ours = (tmp_path / other / SHAPE).read_bytes()
    (tmp_path / other / SHAPE).write_text('{"schema": 0}')
    await writer.write([IndexEntry(user.id, 5, None)])
    assert [(info.name, info.fits) for info in await catalog.indexes()][-1] == (other, False)
    (tmp_path / other / SHAPE).write_bytes(ours)
    assert await _ids(catalog, other) == []


async def test_an_index_of_another_shape_is_listed_and_neither_opened_nor_served(
    catalog: TantivyCatalog, tmp_path: Path
) -> None:
    name = await catalog.create()
    for shape in ('{"schema": 0}', "{"):
        (tmp_path / name / SHAPE).write_text(shape)
        assert [(info.name, info.fits) for info in await catalog.indexes()] == [(name, False)]
        another = "has another shape than this release writes: build it anew"
        with pytest.raises(IndexMismatch, match=another):
            async with catalog.view(name):
                raise AssertionError
        with pytest.raises(IndexMismatch, match=another):
            async with catalog.writer(name):
                raise AssertionError
        with pytest.raises(IndexMismatch, match=another):
            await catalog.serve(name)
    assert live_folder(tmp_path) is None


async def test_a_folder_removed_under_the_writer_is_said_and_made_anew_only_by_prepare(
    writer: TantivyWriter, catalog: TantivyCatalog, tmp_path: Path
) -> None:
    first = _live(tmp_path)
    await writer.write([_entry(a_user())])
    shutil.rmtree(first)
    with pytest.raises(SearchUnavailable, match="cannot be opened") as raised:
        await writer.write([_entry(a_user())])
    assert (str(tmp_path) in raised.value.message, str(tmp_path) in raised.value.hint) == (False, True)
    (tmp_path / POINTER).unlink()
    with pytest.raises(SearchUnavailable, match="no search index"):
        await writer.write([_entry(a_user())])
    await writer.prepare()
    (result,) = await writer.write([_entry(a_user())])
    assert result.outcome is Outcome.APPLIED
    assert [info.serving for info in await catalog.indexes()] == [True]


async def test_a_document_that_fails_takes_nothing_of_its_batch_along(
    writer: TantivyWriter, catalog: TantivyCatalog, tmp_path: Path
) -> None:
    good, bad = a_user(), a_user()
    with pytest.raises(SearchUnavailable):
        await writer.write([_entry(good), IndexEntry(bad.id, 1, {**search_document(bad), "createdAt": "never"})])
    (result,) = await writer.write([_entry(bad)])
    assert result.outcome is Outcome.APPLIED
    assert await _ids(catalog, _live(tmp_path).name) == [bad.id]


async def test_a_second_writer_is_told_who_is_in_its_way(
    writer: TantivyWriter, catalog: TantivyCatalog, tmp_path: Path
) -> None:
    async with open_tantivy_writer(tmp_path) as second:
        with pytest.raises(SettingsError, match="Another indexer writes to"):
            await second.prepare()
    with pytest.raises(SearchUnavailable, match="Another process writes"):
        async with catalog.writer(_live(tmp_path).name):
            raise AssertionError


@pytest.mark.parametrize("name", ["../elsewhere", "", "users-2026", "users-20260101000000000000/x"])
async def test_a_pointer_to_what_is_not_ours_is_refused(name: str, catalog: TantivyCatalog, tmp_path: Path) -> None:
    (tmp_path / POINTER).write_text(name)
    with pytest.raises(IndexMismatch, match="no index of ours"):
        await catalog.indexes()


async def test_only_ours_is_dropped_and_names_are_free_ones(catalog: TantivyCatalog, tmp_path: Path) -> None:
    (tmp_path / "users-of-mine").mkdir()
    with pytest.raises(IndexMismatch, match="no index of this service's"):
        await catalog.drop("users-of-mine")
    folder = create_folder(tmp_path)
    at = (await catalog.indexes())[0].created_at
    assert create_folder(tmp_path, at).name > folder.name
    await catalog.drop(folder.name)
    assert len(await catalog.indexes()) == 1
