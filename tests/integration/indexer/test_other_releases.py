"""Records of the topic that this release did not write: a newer one's are waited for, nobody's are put aside."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest
import structlog
from aiokafka import AIOKafkaProducer

from domain.settings import Settings
from domain.users.model import SCHEMA
from indexer import record
from indexer.batching import Limits
from indexer.pipeline import Session
from indexer.sinks.kafka import open_kafka_sink
from indexer.sources.kafka import open_kafka_source
from indexer.status import State, Status
from indexer.supervisor import supervise
from tests.integration.indexer.consuming import consuming, memory_backend, until
from tests.unit.indexer.fakes import FakeDeadLetters, FakeSink, entry, user_id

Headers = Sequence[tuple[str, bytes]]

NEWER = str(SCHEMA + 1).encode()


@pytest.fixture
def settings(kafka_bootstrap_servers: str) -> Settings:
    return Settings(kafka_bootstrap_servers=kafka_bootstrap_servers, kafka_topic=f"t{uuid4().hex}", kafka_partitions=3)


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers) as started:
        yield started


async def _send(producer: AIOKafkaProducer, settings: Settings, number: int, headers: Headers) -> None:
    made = record.encode(entry(number))
    await producer.send_and_wait(settings.kafka_topic, made.value, made.key, headers=list(headers))


async def test_a_newer_release_s_record_is_waited_for_and_said(
    settings: Settings, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no dead letter and is not passed over: whoever can read it gets it, from the same offsets."""
    sink, letters, stop, status = FakeSink(), FakeDeadLetters(), asyncio.Event(), Status("kafka-to-fake")
    backend = memory_backend()

    async def session() -> None:
        async with open_kafka_source(settings, "g", sink, backend) as source:
            limits = Limits(100, 1_000_000, 0)
            await Session(source, sink, letters, limits=limits, status=status, stop=stop).run()

    async with open_kafka_sink(settings, "w", set()) as topic:
        await topic.write([entry(n) for n in range(10)])
        with structlog.testing.capture_logs() as logged:
            running = asyncio.create_task(supervise(session, status, stop))
            await until(lambda: len(sink.users) == 10)
            await _send(producer, settings, 20, [("version", b"1"), ("schema", NEWER)])
            await until(lambda: status.state is State.BACKOFF)
            await topic.write([entry(n, 2) for n in range(10)])
            await until(lambda: status.restarts > 2)
        told = (
            f"User {user_id(20)} was written with schema {SCHEMA + 1}; this release knows {SCHEMA}: "
            "deploy the newer release."
        )
        assert status.error == told
        assert {"event": "begin anew", "why": told}.items() <= logged[-1].items()
        assert not status.stuck
        assert letters.letters == []
        assert user_id(20) not in sink.users
        monkeypatch.setattr(record, "SCHEMA", SCHEMA + 1)  # the newer release
        await until(lambda: all(sink.users[user_id(n)].version == 2 for n in range(10)) and user_id(20) in sink.users)
        stop.set()
        await running
    assert letters.letters == []


GARBAGE: Sequence[tuple[str, Headers]] = [
    ("schema", [("version", b"1")]),
    ("schema", [("version", b"1"), ("schema", b"")]),
    ("schema", [("version", b"1"), ("schema", b"one")]),
    ("schema", [("version", b"1"), ("schema", b"0")]),
    ("schema", [("version", b"1"), ("schema", b"-1")]),
    ("schema", [("version", b"1"), ("schema", b"1.0")]),
    ("schema", [("version", b"1"), ("schema", b"9" * 19)]),
    ("schema", [("version", b"1"), ("schema", b"\xff\x00")]),
    ("schema", [("version", b"1"), ("schema", b"1"), ("schema", NEWER)]),
    ("version", [("schema", b"1")]),
    ("version", [("schema", b"1"), ("version", b"first")]),
]


async def test_records_without_a_readable_schema_are_put_aside_and_hold_nothing_up(
    settings: Settings, producer: AIOKafkaProducer
) -> None:
    sink, letters = FakeSink(), FakeDeadLetters()
    async with open_kafka_sink(settings, "w", set()) as topic:
        await topic.write([entry(n) for n in range(10)])
        for _, headers in GARBAGE:
            await _send(producer, settings, 0, headers)
        await topic.write([entry(n, 2) for n in range(10)])
    async with consuming(settings, "g", sink, letters):
        await until(lambda: len(sink.users) == 10 and all(made.version == 2 for made in sink.users.values()))
    reasons = [f"the header {name} is not one positive decimal number" for name, _ in GARBAGE]
    assert [letter.reason for letter in letters.letters] == reasons
    assert {letter.id for letter in letters.letters} == {""}  # what it says of a user is not believed
    assert len({letter.origin for letter in letters.letters}) == len(GARBAGE)
