"""What can never be delivered, in every mode: it is put aside, holds nothing up, and can be delivered again later."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from elasticsearch import AsyncElasticsearch

from domain.backends import Backends, open_backends, open_index_writer
from domain.clock import now
from domain.errors import SearchUnavailable
from domain.search.document import IndexEntry, search_document
from domain.search.elasticsearch_mapping import index_name, mappings, meta
from domain.search.index import Outcome
from domain.settings import Settings
from domain.users.model import User
from indexer.dead_letters import DeadLetter, LedgerDeadLetters
from indexer.topics import POLICY
from tests.contract.users.users import a_user
from tests.integration.indexer.command import command
from tests.integration.indexer.process import Environment, indexer, settings_of, until
from tests.integration.indexer.topic import admin_of

FEW_BYTES = 4_000
MOST_BYTES = 10_000_000
NO_DATE = 253_402_300_800_000
"""Milliseconds to the year 10000."""


@pytest.fixture
async def client(elasticsearch_url: str) -> AsyncIterator[AsyncElasticsearch]:
    async with AsyncElasticsearch(elasticsearch_url) as opened:
        yield opened


async def _spoil(client: AsyncElasticsearch, alias: str) -> str:
    """An index that looks like ours and does not know the field `phone`; its name."""
    spoilt = mappings()
    del spoilt["properties"]["phone"]
    name = index_name(alias, now())
    await client.indices.create(
        index=name,
        mappings={**spoilt, "_meta": meta()},
        settings={"index.number_of_replicas": 0, "index.refresh_interval": "100ms"},
        aliases={alias: {"is_write_index": True}},
    )
    return name


async def _mend(client: AsyncElasticsearch, name: str) -> None:
    await client.indices.put_mapping(index=name, properties={"phone": mappings()["properties"]["phone"]})


async def _letters(environment: Environment) -> dict[str, Any]:
    ended = await command(environment, "dead-letters", "list", "--json")
    letters = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.exit_code == (1 if letters else 0), ended.err
    return {letter["key"]: letter for letter in letters}


async def _indexed(backends: Backends, users: list[User]) -> None:
    wanted = {user.id: user.version for user in users}

    async def level() -> bool:
        try:
            return dict(await backends.index.versions(list(wanted))) == wanted
        except SearchUnavailable:  # there is no index yet
            return False

    await until(level, "the index has these users")


async def _create(backends: Backends, name: str, **values: Any) -> User:
    return await backends.users.create({"username": name, **values})


async def test_a_document_that_the_index_refuses(
    without_kafka: Environment, client: AsyncElasticsearch, tmp_path: Path
) -> None:
    environment = without_kafka
    index = await _spoil(client, environment["SEARCH_ALIAS"])
    async with open_backends(settings_of(environment)) as backends:
        refused = await _create(backends, "refused", phone="+12025550123", displayName="Nobody must see this")
        deleted = await _create(backends, "deleted", phone="+12025550124")
        async with indexer(environment, tmp_path / "indexer.log") as process:
            await _indexed(backends, [await _create(backends, "good")])
            letters = await _letters(environment)
            assert letters.keys() == {refused.id, deleted.id}
            letter = letters[refused.id]
            assert (letter["version"], letter["origin"], letter["attempts"]) == (1, "mongo-to-elasticsearch", 1)
            assert letter["reason"] == "strict_dynamic_mapping_exception"
            await backends.users.delete(deleted.id)

            again = await command(environment, "dead-letters", "replay", "--all")
            assert f"{refused.id}  still there: refused again, attempt 2: strict_dynamic" in again.out
            assert f"{deleted.id}  delivered" in again.out
            assert again.exit_code == 1
            await _mend(client, index)
            again = await command(environment, "dead-letters", "replay", refused.id)
            assert (again.exit_code, again.out) == (0, f"{refused.id}  delivered\n")
            await _indexed(backends, [refused])
            assert await process.end() == 0
        assert await _letters(environment) == {}
    assert "Nobody" not in (tmp_path / "indexer.log").read_text()


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_document_larger_than_the_engine_takes(without_kafka: Environment, client: AsyncElasticsearch) -> None:
    """What is sent beside such a document arrives."""
    nodes = (await client.nodes.info(metric="http"))["nodes"].values()
    limit = max(node["http"]["max_content_length_in_bytes"] for node in nodes)
    if limit > MOST_BYTES:
        pytest.skip(f"this server takes {limit} bytes, more than this test sends: set its http.max_content_length")
    good, large = a_user(), a_user()
    document = search_document(large) | {"attributes": {"a": "x" * limit}}
    async with open_index_writer(settings_of(without_kafka)) as writer:
        await writer.prepare()
        entries = [IndexEntry(good.id, 1, search_document(good)), IndexEntry(large.id, 1, document)]
        results = await writer.write(entries)
        assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.REJECTED]
        assert results[1].reason == "larger than the search engine accepts"
        assert await writer.scan(None, 10) == [(good.id, 1)]


async def test_what_the_cluster_refuses_holds_nothing_up(
    cluster: Environment, client: AsyncElasticsearch, tmp_path: Path
) -> None:
    """A mapping error, a document too large for the topic, a record that is not ours; a stale write is none of them."""
    configuration = settings_of(cluster)
    topic = configuration.kafka_topic
    index = await _spoil(client, cluster["SEARCH_ALIAS"])
    async with admin_of(configuration) as admin, open_backends(configuration) as backends:
        configs = {"max.message.bytes": str(FEW_BYTES), "message.timestamp.after.max.ms": str(2**63 - 1)}
        await admin.create_topics([NewTopic(topic, 3, 1, topic_configs={**POLICY, **configs})])
        phone = await _create(backends, "phone", phone="+12025550123")
        large = await _create(backends, "large", attributes={"a": "x" * FEW_BYTES})
        stale = await _create(backends, "stale")
        await _put(configuration, replace(stale, version=9))
        place = await _poison(configuration, b"not an id")
        nameless = await _poison(configuration, a_user().id.encode(), headers=[("version", None), ("schema", b"1")])
        async with indexer(cluster, tmp_path / "indexer.log") as process:
            await _indexed(backends, [await _create(backends, "good"), replace(stale, version=9)])
            letters = await _letters(cluster)
            reasons = {key: (letter["origin"], letter["reason"]) for key, letter in letters.items()}
            size = reasons.pop(large.id)
            assert size[0] == "mongo-to-kafka"
            assert f"the topic takes {FEW_BYTES}" in size[1]
            assert reasons == {
                phone.id: ("kafka-to-elasticsearch", "strict_dynamic_mapping_exception"),
                place: (place, "the key is not the id of a user"),
                nameless: (nameless, "the header version is not one positive decimal number"),
            }

            await _mend(client, index)
            await admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic, configs={**POLICY, "max.message.bytes": "1000000"})]
            )
            again = await command(cluster, "dead-letters", "replay", "--all")
            assert f"{phone.id}  delivered\n" in again.out
            assert f"{large.id}  delivered\n" in again.out
            assert f"{place}  still there: It is about no user" in again.out
            assert again.exit_code == 1
            await _indexed(backends, [phone, large])
            assert (await command(cluster, "dead-letters", "drop", place, nameless)).exit_code == 0
            resync = await command(cluster, "resync", "--wait")
            assert (resync.exit_code, resync.out.splitlines()[-1]) == (0, "The resync is done.")
            assert await process.end() == 0
        assert await _letters(cluster) == {}


async def _put(configuration: Settings, user: User) -> None:
    async with open_index_writer(configuration) as writer:
        await writer.write([IndexEntry(user.id, user.version, search_document(user))])


async def _poison(configuration: Settings, key: bytes, headers: Sequence[tuple[str, bytes | None]] = ()) -> str:
    """A record that is not ours, of a time that is no date; its place as a letter tells it."""
    producer = AIOKafkaProducer(bootstrap_servers=configuration.kafka_bootstrap_servers or "")
    await producer.start()
    try:
        sent = await producer.send_and_wait(
            configuration.kafka_topic, b"{", key, headers=list(headers), timestamp_ms=NO_DATE
        )
    finally:
        await producer.stop()
    return f"{sent.topic}/{sent.partition}/{sent.offset}"


async def test_the_embedded_mode_delivers_what_it_is_asked_for(embedded: Environment, tmp_path: Path) -> None:
    """Its index refuses nothing; what was put aside by a release that could not read a user is delivered."""
    async with open_backends(settings_of(embedded)) as backends:
        user = await _create(backends, "user")
        await LedgerDeadLetters(backends.ledger).add(
            [DeadLetter(user.id, 1, "sqlite-to-tantivy", "no search document: ValueError", 1, now())]
        )
        shown = await command(embedded, "dead-letters", "show", user.id)
        assert "no search document: ValueError" in shown.out
        again = await command(embedded, "dead-letters", "replay", user.id)
        assert (again.exit_code, again.out) == (
            1,
            f"{user.id}  still there: no indexer runs sqlite-to-tantivy: it is done once one does.\n",
        )
        async with indexer(embedded, tmp_path / "indexer.log"):
            await _indexed(backends, [user])

            async def done() -> bool:
                return not await backends.ledger.entries("request:", None, 1)

            await until(done, "what was asked is done")
            assert await LedgerDeadLetters(backends.ledger).page(None, 1) == []
            resync = await command(embedded, "resync", "--wait")
            assert resync.exit_code == 0
            assert resync.out.splitlines() == ["sqlite-to-tantivy: the resync begins now.", "The resync is done."]
            assert (tmp_path / "indexer.log").read_text().count("resync begins") == 2
