"""A transaction that holds readers up is found, and what is written to end it is the newest there is of a user.

A commit of which the broker has lost the marker cannot be made at will; an open transaction of somebody else holds
readers up just so.
"""

from collections.abc import Mapping

import pytest
from aiokafka import AIOKafkaProducer

from domain.backends import open_store
from domain.search.document import IndexEntry, search_document
from domain.settings import Settings
from indexer.again import Again
from indexer.dead_letters import LedgerDeadLetters
from indexer.hung_transactions import Ends, HungTransactions, hung
from indexer.projection import Projection
from indexer.record import encode
from indexer.sinks.kafka import open_kafka_sink
from indexer.sinks.shared import SharedSink
from tests.integration.indexer.process import Environment, settings_of, until
from tests.integration.indexer.topic import newest_versions, read_all


@pytest.fixture
def settings(cluster: Environment) -> Settings:
    return settings_of(cluster)


async def test_it_is_found_and_a_users_newest_version_is_written_after_it(settings: Settings) -> None:
    async with (
        open_store(settings) as store,
        open_kafka_sink(settings, "hung.relay", set()) as opened,
        _producer(settings) as other,
    ):
        user = await store.users.create({"username": "hung"})
        first = IndexEntry(user.id, user.version, search_document(user))
        changed = await store.users.update(user.id, {"displayName": "Changed"})
        again = Again(store.store, SharedSink(opened), LedgerDeadLetters(store.ledger), Projection("p"))
        watch = HungTransactions(settings, again)
        await opened.write([first])

        async def nothing_is_held_up() -> bool:
            return not _held_up(await watch._ends())

        await until(nothing_is_held_up, "the marker of a commit is there")

        made = encode(first)
        await other.begin_transaction()
        sent = await other.send_and_wait(settings.kafka_topic, made.value, made.key, headers=list(made.headers))
        before = await watch._ends()
        after = await watch._ends()
        assert hung(before, after) == _held_up(after) == [sent.partition]
        await watch._end(hung(before, after), after)
        assert (await watch._ends())[sent.partition].written > after[sent.partition].written
        await other.abort_transaction()
        assert newest_versions(await read_all(settings, settings.kafka_topic)) == {user.id: (changed.version, True)}


def _held_up(ends: Mapping[int, Ends]) -> list[int]:
    return [part for part, end in ends.items() if end.committed < end.written]


def _producer(settings: Settings) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, transactional_id="somebody.else")
