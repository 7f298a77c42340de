"""Elasticsearch beyond the contract: making the index, refusing what is not ours, and what its errors become."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from elasticsearch import AsyncElasticsearch

from domain.clock import now
from domain.errors import IndexMismatch, SearchUnavailable, SettingsError
from domain.search.document import IndexEntry, search_document
from domain.search.elasticsearch import ElasticsearchIndex, open_elasticsearch
from domain.search.elasticsearch_catalog import ElasticsearchCatalog
from domain.search.elasticsearch_mapping import index_name
from domain.search.elasticsearch_writer import ElasticsearchWriter
from domain.search.index import Outcome
from domain.search.query import SearchRequest, plan
from tests.contract.users.users import a_user
from tests.servers.ports import free_port

TIMEOUT = timedelta(seconds=10)


class Search:
    """An alias of its own, behind which there is nothing yet."""

    def __init__(self, client: AsyncElasticsearch) -> None:
        self.client = client
        self.alias = f"t{uuid4().hex}"
        self.index = ElasticsearchIndex(client, self.alias, timeout=TIMEOUT)
        self.writer = self.another_writer()

    def another_writer(self, seconds_ahead: int = 0) -> ElasticsearchWriter:
        return ElasticsearchWriter(
            self.client,
            self.alias,
            shards=1,
            replicas=0,
            refresh_interval=timedelta(milliseconds=100),
            timeout=TIMEOUT,
            clock=lambda: now() + timedelta(seconds=seconds_ahead),
        )

    def catalog(self) -> ElasticsearchCatalog:
        return ElasticsearchCatalog(
            self.client, self.alias, shards=1, replicas=0, refresh_interval=timedelta(seconds=1), timeout=TIMEOUT
        )

    async def indexes(self) -> list[str]:
        return sorted(await self.client.indices.get(index=f"{self.alias}*"))


@pytest.fixture
async def search(elasticsearch_url: str) -> AsyncIterator[Search]:
    async with open_elasticsearch(elasticsearch_url, timeout=TIMEOUT) as client:
        search = Search(client)
        yield search
        if indexes := await search.indexes():
            await client.indices.delete(index=",".join(indexes))


async def test_processes_that_prepare_at_once_make_one_index(search: Search) -> None:
    writers = [search.another_writer(seconds) for seconds in (0, 0, 1, 2)]
    await asyncio.gather(*(writer.prepare() for writer in writers))
    (index,) = await search.indexes()
    assert index.startswith(f"{search.alias}-2")
    await search.index.ping()


async def test_the_index_keeps_deletions_in_mind_and_takes_no_unknown_field(search: Search) -> None:
    await search.writer.prepare()
    (index,) = await search.indexes()
    found = (await search.client.indices.get(index=index))[index]
    assert found["settings"]["index"]["gc_deletes"] == "1h"
    assert found["settings"]["index"]["refresh_interval"] == "100ms"
    assert found["mappings"]["dynamic"] == "strict"


async def test_an_index_of_another_shape_is_refused(search: Search) -> None:
    name = index_name(search.alias, now())
    await search.client.indices.create(
        index=name, aliases={search.alias: {}}, mappings={"_meta": {"owner": "user-service", "schema": 0}}
    )
    with pytest.raises(IndexMismatch, match=rf"leads to {name}, whose shape is .*rebuild the index"):
        await search.writer.prepare()


async def test_an_index_of_the_aliass_name_is_refused(search: Search) -> None:
    await search.client.indices.create(index=search.alias)
    catalog = search.catalog()
    for refused in (search.writer.prepare(), catalog.indexes(), catalog.drop(search.alias)):
        with pytest.raises(IndexMismatch, match="is an index, but has to be an alias"):
            await refused


async def test_an_alias_that_leads_to_two_indexes_is_refused_and_loses_no_write(search: Search) -> None:
    await search.writer.prepare()
    (index,) = await search.indexes()
    other = f"{search.alias}-other"
    await search.client.indices.create(index=other, aliases={search.alias: {}})
    leads = rf"{search.alias} leads to {index} and {other}: take it off all but the one that is complete"
    user, catalog = a_user(), search.catalog()
    for refused in (
        search.writer.prepare(),
        search.writer.write([IndexEntry(user.id, 2, None)]),
        catalog.indexes(),
        catalog.serve(index),
        catalog.drop(other),
    ):
        with pytest.raises(IndexMismatch, match=leads):
            await refused
    actions = [{"add": {"index": index, "alias": search.alias, "is_write_index": False}}]
    await search.client.indices.update_aliases(actions=actions)
    with pytest.raises(IndexMismatch, match="no index to write to"):
        await search.writer.write([IndexEntry(user.id, 1, search_document(user))])


async def test_what_is_not_ours_is_neither_listed_nor_dropped_and_another_shape_is_not_written(search: Search) -> None:
    await search.writer.prepare()
    catalog, (serving,) = search.catalog(), await search.indexes()
    foreign, unfit = f"{search.alias}-20200101000000", f"{search.alias}-20200102000000"
    await search.client.indices.create(index=foreign)
    await search.client.indices.create(index=unfit, mappings={"_meta": {"owner": "user-service", "schema": 0}})
    assert [(info.name, info.fits) for info in await catalog.indexes()] == [(serving, True), (unfit, False)]
    with pytest.raises(IndexMismatch, match=f"{foreign} is none of this service's"):
        await catalog.drop(foreign)
    with pytest.raises(IndexMismatch, match=f"{unfit} has the shape"):
        async with catalog.writer(unfit):
            raise AssertionError
    with pytest.raises(IndexMismatch, match=f"{unfit} has the shape"):
        await catalog.serve(unfit)
    await catalog.drop(unfit)
    assert await search.indexes() == [foreign, serving]


async def test_a_deletion_is_busy_while_a_kept_index_takes_none(search: Search) -> None:
    await search.writer.prepare()
    user, kept = a_user(), await search.catalog().create()
    await search.client.indices.put_settings(index=kept, settings={"index.blocks.write": True})
    (result,) = await search.writer.write([IndexEntry(user.id, 2, None)])
    assert (result.outcome, result.reason) == (
        Outcome.BUSY,
        f"no deletion in the index {kept}: cluster_block_exception",
    )
    await search.client.indices.put_settings(index=kept, settings={"index.blocks.write": False})
    (result,) = await search.writer.write([IndexEntry(user.id, 2, None)])
    assert result.outcome is Outcome.STALE


async def test_a_view_that_the_engine_has_lost_says_so(search: Search) -> None:
    await search.writer.prepare()
    (name,) = await search.indexes()
    async with search.catalog().view(name) as view:
        await search.client.indices.delete(index=name)
        with pytest.raises(SearchUnavailable, match="has lost its view of the index: begin again"):
            await view.page(None, 5)


async def test_without_the_alias_nothing_answers_and_no_write_makes_an_index(search: Search) -> None:
    user = a_user()
    missing = f"no search index behind the alias {search.alias}"
    for refused in (
        search.index.ping(),
        search.index.search(SearchRequest(plan("ann"), 5)),
        search.index.versions([user.id]),
        search.writer.write([IndexEntry(user.id, 1, search_document(user))]),
        search.writer.write([IndexEntry(user.id, 2, None)]),
        search.writer.scan(None, 5),
    ):
        with pytest.raises(SearchUnavailable, match=missing):
            await refused
    assert await search.indexes() == []


async def test_a_document_that_can_never_be_indexed_is_rejected_without_its_values(search: Search) -> None:
    await search.writer.prepare()
    good = a_user()
    results = await search.writer.write(
        [
            IndexEntry("a", 1, {"secretField": "Secret"}),
            IndexEntry("b", 1, {"createdAt": "Secret"}),
            IndexEntry("c", 1, {"phone": "Secret" * 10_000}),
            IndexEntry(good.id, 1, search_document(good)),
        ]
    )
    assert [result.outcome for result in results] == [Outcome.REJECTED] * 3 + [Outcome.APPLIED]
    assert [result.reason for result in results[:3]] == [
        "strict_dynamic_mapping_exception",
        "document_parsing_exception",
        "document_parsing_exception",
    ]


async def test_a_read_only_index_is_busy_not_refusing(search: Search) -> None:
    await search.writer.prepare()
    await search.client.indices.put_settings(index=search.alias, settings={"index.blocks.write": True})
    user = a_user()
    (result,) = await search.writer.write([IndexEntry(user.id, 1, search_document(user))])
    assert (result.outcome, result.reason) == (Outcome.BUSY, "cluster_block_exception")


async def test_a_server_that_does_not_answer_is_unavailable() -> None:
    async with open_elasticsearch(f"http://127.0.0.1:{free_port()}", timeout=TIMEOUT) as client:
        search = Search(client)
        user = a_user()
        for refused in (
            search.index.ping(),
            search.index.search(SearchRequest(plan("ann"), 5)),
            search.writer.write([IndexEntry(user.id, 1, search_document(user))]),
            search.writer.prepare(),
        ):
            with pytest.raises(SearchUnavailable, match="did not answer"):
                await refused


async def test_a_url_that_is_none_says_so() -> None:
    with pytest.raises(SettingsError, match="ELASTICSEARCH_URL must be"):
        async with open_elasticsearch("elasticsearch.example", timeout=TIMEOUT):
            raise AssertionError


async def test_credentials_of_the_url_are_sent() -> None:
    asked = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set_result(await reader.readuntil(b"\r\n\r\n"))
        body = b'{"error":{"type":"security_exception"},"status":401}'
        head = (
            "HTTP/1.1 401 Unauthorized",
            "x-elastic-product: Elasticsearch",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
        )
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_elasticsearch(f"http://ann:s%40cret@127.0.0.1:{port}", timeout=TIMEOUT) as client:
        with pytest.raises(SearchUnavailable, match="refuses our credentials"):
            await ElasticsearchIndex(client, "users", timeout=TIMEOUT).ping()
    assert b"authorization: basic yw5uonnay3jldA==".lower() in (await asked).lower()


async def test_a_repair_deletes_what_somebody_wrote_without_versions(search: Search) -> None:
    """The engine counts such writes: its version of the document is above the user's."""
    await search.writer.prepare()
    user, other = a_user(), a_user()
    await search.writer.write([IndexEntry(one.id, 1, search_document(one)) for one in (user, other)])
    for _ in range(3):
        await search.client.index(index=search.alias, id=user.id, document=search_document(user))
    deletions = [IndexEntry(one.id, 2, None) for one in (other, user)]
    assert [result.outcome for result in await search.writer.write(deletions)] == [Outcome.APPLIED, Outcome.STALE]
    (index,) = await search.indexes()
    async with search.catalog().writer(index) as named:
        results = await named.write(deletions, repair=True)
    assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.APPLIED]
    assert await search.writer.scan(None, 5) == []
    late = [IndexEntry(user.id, version, {**search_document(user), "version": version}) for version in (1, 2, 3)]
    for entry in late:
        (result,) = await search.writer.write([entry])
        assert result.outcome is Outcome.STALE
