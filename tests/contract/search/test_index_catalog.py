"""The contract of a catalog of indexes: each is seen whole and written alone, and one at a time serves."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from domain.clock import now
from domain.errors import IndexMismatch, SearchUnavailable
from domain.search.document import IndexEntry, digest, search_document
from domain.search.index import Held, IndexCatalog, IndexWriter, Outcome, SearchIndex
from domain.users.model import User
from tests.contract.search.conftest import TIMEOUT, entry
from tests.contract.search.oracle_catalog import OracleCatalog
from tests.contract.users.users import a_user

REFRESH = timedelta(milliseconds=100)
UNKNOWN = "users-20200101000000000"


@dataclass(frozen=True, slots=True)
class Search:
    """A catalog, and the two ports behind its alias, which leads nowhere yet."""

    catalog: IndexCatalog
    writer: IndexWriter
    index: SearchIndex

    async def serving(self) -> str:
        (serving,) = (info.name for info in await self.catalog.indexes() if info.serving)
        return serving

    async def held(self, name: str) -> Mapping[str, Held]:
        """All that the index `name` holds, by a view of small pages, which come in order."""
        found: list[Held] = []
        async with self.catalog.view(name) as view:
            while page := await view.page(found[-1].id if found else None, 3):
                found += page
        assert [one.id for one in found] == sorted(one.id for one in found)
        return {one.id: one for one in found}

    async def fill(self, name: str, users: Sequence[User]) -> None:
        async with self.catalog.writer(name) as writer:
            results = await writer.write([entry(user) for user in users])
        assert {result.outcome for result in results} <= {Outcome.APPLIED}


@pytest.fixture
async def search(kind: str, server_url: str | None, tmp_path: Path) -> AsyncIterator[Search]:
    match kind:
        case "tantivy":
            from domain.search.tantivy import TantivyIndex, open_tantivy_writer
            from domain.search.tantivy_catalog import TantivyCatalog

            async with open_tantivy_writer(tmp_path) as writer:
                yield Search(TantivyCatalog(tmp_path), writer, TantivyIndex(tmp_path))
        case "elasticsearch":
            from domain.search.elasticsearch import ElasticsearchIndex, open_elasticsearch
            from domain.search.elasticsearch_catalog import ElasticsearchCatalog
            from domain.search.elasticsearch_writer import ElasticsearchWriter

            assert server_url
            alias = f"t{uuid4().hex}"
            async with open_elasticsearch(server_url, timeout=TIMEOUT) as client:
                yield Search(
                    ElasticsearchCatalog(
                        client, alias, shards=1, replicas=0, refresh_interval=REFRESH, timeout=TIMEOUT
                    ),
                    ElasticsearchWriter(client, alias, shards=1, replicas=0, refresh_interval=REFRESH, timeout=TIMEOUT),
                    ElasticsearchIndex(client, alias, timeout=TIMEOUT),
                )
                await client.indices.delete(index=",".join(await client.indices.get(index=f"{alias}*")))
        case _:
            catalog = OracleCatalog()
            yield Search(catalog, catalog.alias, catalog.alias)


def _held(user: User) -> Held:
    return Held(user.id, user.version, digest(search_document(user)))


def _people(count: int) -> list[User]:
    return [a_user(version=n + 1, given_name=f"Name {n}", attributes={"n": n / 4}) for n in range(count)]


async def test_new_indexes_are_ours_empty_and_not_served(search: Search) -> None:
    begun = now() - timedelta(seconds=2)
    names = [await search.catalog.create() for _ in range(3)]
    infos = await search.catalog.indexes()
    assert len(set(names)) == 3
    assert [info.name for info in infos] == names
    assert {(info.serving, info.fits) for info in infos} == {(False, True)}
    assert all(begun <= info.created_at <= now() + timedelta(seconds=2) for info in infos)
    assert [info.created_at for info in infos] == sorted(info.created_at for info in infos)
    assert await search.held(names[0]) == {}
    with pytest.raises(SearchUnavailable):
        await search.index.ping()


async def test_the_index_that_a_writer_prepares_serves(search: Search) -> None:
    await search.writer.prepare()
    (info,) = await search.catalog.indexes()
    assert (info.serving, info.fits) == (True, True)


async def test_a_view_shows_every_document_in_order_with_its_version_and_digest(search: Search) -> None:
    await search.writer.prepare()
    users = _people(10)
    await search.writer.write([entry(user) for user in users])
    await search.writer.write([IndexEntry(users[4].id, 99, None)])
    assert await search.held(await search.serving()) == {user.id: _held(user) for user in users if user is not users[4]}


async def test_a_view_stays_as_it_was_when_it_was_opened(search: Search) -> None:
    await search.writer.prepare()
    before = sorted(_people(8), key=lambda user: user.id)
    await search.writer.write([entry(user) for user in before])
    async with search.catalog.view(await search.serving()) as view:
        first = await view.page(None, 4)
        changed = [replace(user, version=100, given_name="Changed") for user in before]
        await search.writer.write([IndexEntry(before[5].id, 100, None)])
        await search.writer.write([entry(user) for user in changed if user.id != before[5].id])
        await search.writer.write([entry(a_user())])
        rest = await view.page(first[-1].id, 1_000)
        assert [*first, *rest] == [_held(user) for user in before]
        assert list(await view.page(before[-1].id, 4)) == []


async def test_looking_up_shows_what_is_there_now(search: Search) -> None:
    await search.writer.prepare()
    name = await search.serving()
    kept, gone, unknown = _people(3)
    await search.writer.write([entry(kept), entry(gone)])
    changed = replace(kept, version=50, given_name="Changed")
    await search.writer.write([entry(changed), IndexEntry(gone.id, 51, None)])
    found = await search.catalog.look_up(name, [kept.id, gone.id, unknown.id])
    assert found == {kept.id: _held(changed)}
    assert await search.catalog.look_up(name, []) == {}


async def test_a_document_that_differs_at_the_same_version_has_another_digest(search: Search) -> None:
    await search.writer.prepare()
    name = await search.serving()
    user = a_user(given_name="Right", version=3)
    await search.writer.write([entry(replace(user, given_name="Wrong"))])
    (wrong,) = (await search.held(name)).values()
    assert (wrong.version, wrong.digest == _held(user).digest) == (3, False)
    await search.writer.write([entry(user)], repair=True)
    assert await search.held(name) == {user.id: _held(user)}


async def test_a_named_writer_writes_to_its_index_alone(search: Search) -> None:
    await search.writer.prepare()
    serving, other = await search.serving(), await search.catalog.create()
    both, deleted, new = _people(3)
    await search.writer.write([entry(both), entry(deleted)])
    await search.fill(other, [replace(both, version=7), replace(deleted, version=7), new])
    async with search.catalog.writer(other) as writer:
        results = await writer.write([IndexEntry(deleted.id, 8, None), entry(both)])
        assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.STALE]
        assert list(await writer.scan(None, 10)) == sorted([(both.id, 7), (new.id, new.version)])
    assert await search.held(serving) == {user.id: _held(user) for user in (both, deleted)}
    assert set(await search.held(other)) == {both.id, new.id}


async def test_a_deletion_reaches_every_other_index(search: Search) -> None:
    await search.writer.prepare()
    others = [await search.catalog.create() for _ in range(2)]
    gone, kept, unknown = _people(3)
    for name in others:
        await search.fill(name, [gone, kept])
    await search.writer.write([entry(gone), entry(kept)])
    results = await search.writer.write(
        [IndexEntry(gone.id, 9, None), entry(unknown), IndexEntry(a_user().id, 9, None)]
    )
    assert {result.outcome for result in results} == {Outcome.APPLIED}
    for name in others:
        assert set(await search.held(name)) == {kept.id}
    assert set(await search.held(await search.serving())) == {kept.id, unknown.id}


async def test_a_deletion_that_is_stale_reaches_every_other_index_all_the_same(search: Search) -> None:
    """The first attempt may have ended half-way."""
    await search.writer.prepare()
    user = a_user()
    await search.writer.write([IndexEntry(user.id, 9, None)])
    other = await search.catalog.create()
    await search.fill(other, [user])
    (result,) = await search.writer.write([IndexEntry(user.id, 9, None)])
    assert result.outcome is Outcome.STALE
    assert await search.held(other) == {}


async def test_serving_moves_readers_and_writers_at_once(search: Search) -> None:
    await search.writer.prepare()
    old, new = await search.serving(), await search.catalog.create()
    user, late = a_user(version=1), a_user()
    await search.writer.write([entry(user)])
    await search.fill(new, [replace(user, version=2)])
    await search.catalog.serve(new)
    assert [(info.name, info.serving) for info in await search.catalog.indexes()] == [(old, False), (new, True)]
    results = await search.writer.write([entry(user), entry(late)])
    assert [result.outcome for result in results] == [Outcome.STALE, Outcome.APPLIED]
    assert await search.held(old) == {user.id: _held(user)}
    assert set(await search.held(new)) == {user.id, late.id}
    await search.catalog.look_up(new, [user.id])
    assert (await search.index.versions([user.id]))[user.id] == 2
    await search.catalog.serve(old)
    await search.catalog.serve(old)
    assert await search.serving() == old


async def test_the_first_index_may_be_one_of_the_catalog(search: Search) -> None:
    name = await search.catalog.create()
    await search.fill(name, [a_user()])
    await search.catalog.serve(name)
    await search.writer.prepare()
    assert await search.serving() == name
    assert len(await search.held(name)) == 1


async def test_only_what_does_not_serve_is_dropped(search: Search) -> None:
    await search.writer.prepare()
    serving, other = await search.serving(), await search.catalog.create()
    with pytest.raises(IndexMismatch, match=f"{serving}.* not (dropped|removed)"):
        await search.catalog.drop(serving)
    await search.catalog.drop(other)
    await search.catalog.drop(other)
    assert [info.name for info in await search.catalog.indexes()] == [serving]


async def test_an_index_that_is_not_there_is_none_to_open_or_to_serve(search: Search) -> None:
    await search.writer.prepare()
    serving = await search.serving()
    with pytest.raises(IndexMismatch, match=f"no index {UNKNOWN}"):
        async with search.catalog.view(UNKNOWN):
            raise AssertionError
    with pytest.raises(IndexMismatch, match=f"no index {UNKNOWN}"):
        async with search.catalog.writer(UNKNOWN):
            raise AssertionError
    with pytest.raises(IndexMismatch, match=f"no index {UNKNOWN}"):
        await search.catalog.look_up(UNKNOWN, [a_user().id])
    with pytest.raises(IndexMismatch, match=f"no index {UNKNOWN}"):
        await search.catalog.serve(UNKNOWN)
    assert [info.name for info in await search.catalog.indexes()] == [serving]


async def test_a_write_to_an_index_that_was_dropped_is_refused_and_makes_none(search: Search) -> None:
    await search.writer.prepare()
    serving, other = await search.serving(), await search.catalog.create()
    user = a_user()
    async with search.catalog.writer(other) as writer:
        await writer.write([entry(user)])
        await search.catalog.drop(other)
        for late in (IndexEntry(user.id, 5, None), entry(a_user())):
            with pytest.raises(IndexMismatch, match=f"no index {other}"):
                await writer.write([late])
    assert [info.name for info in await search.catalog.indexes()] == [serving]


async def test_the_writer_goes_on_when_another_index_is_dropped(search: Search) -> None:
    await search.writer.prepare()
    user, other = a_user(), await search.catalog.create()
    await search.fill(other, [user])
    await search.catalog.drop(other)
    (result,) = await search.writer.write([IndexEntry(user.id, 5, None)])
    assert result.outcome is Outcome.APPLIED
    assert other not in [info.name for info in await search.catalog.indexes()]
