"""The topic under faults: what was sent twice, what cannot be read, and records that no release of ours ever wrote."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata
from ulid import ULID

from domain.settings import Settings
from indexer import record
from indexer.errors import NotOurs
from indexer.topics import dead_letter_topic
from tests.integration.indexer.topic import read_all

_HEADERS = [("version", b"1"), ("schema", b"1")]


async def poison(settings: Settings) -> Sequence[str]:
    """Put records that are not ours into the topic; the keys under which the dead letters must have them."""
    id, unmapped = str(ULID()), str(ULID())
    document = orjson.dumps({"id": unmapped, "version": 1, "nobodysField": True})
    async with _producer(settings) as producer:
        strangers = [
            await producer.send_and_wait(settings.kafka_topic, b"not ours", b"nobody"),
            await producer.send_and_wait(settings.kafka_topic, None, b"nobody's deletion", headers=_HEADERS),
            await producer.send_and_wait(settings.kafka_topic, b"not JSON", id.encode(), headers=_HEADERS),
            await producer.send_and_wait(settings.kafka_topic, b"{}", id.encode(), headers=[("version", b"-1")]),
        ]
        # Ours by its looks, but the index has no such field.
        await producer.send_and_wait(settings.kafka_topic, document, unmapped.encode(), headers=_HEADERS)
    return [*map(_origin, strangers), unmapped]


async def dead_letter_keys(settings: Settings) -> frozenset[str]:
    """The keys of all dead letters."""
    messages = await read_all(settings, dead_letter_topic(settings))
    return frozenset((message.key or b"").decode() for message in messages)


async def redelivered(settings: Settings) -> int:
    """How many records of the topic say what one before them said: the relay sent them again."""
    count, said = 0, set()
    for message in await read_all(settings, settings.kafka_topic):
        with contextlib.suppress(NotOurs):
            entry = record.decode(message.key, message.value, message.headers)
            count += 1
            said.add((entry.id, entry.version))
    return count - len(said)


async def hanging(settings: Settings) -> Sequence[str]:
    """The partitions that a reader of committed records cannot read to their end."""
    async with _producer(settings) as producer:
        numbers = await producer.partitions_for(settings.kafka_topic)
    parts = [TopicPartition(settings.kafka_topic, number) for number in sorted(numbers)]
    ends = await _ends(settings, "read_uncommitted", parts)
    stable = await _ends(settings, "read_committed", parts)
    return [
        f"partition {part.partition} ends at {ends[part]} and is stable up to {stable[part]}"
        for part in parts
        if stable[part] < ends[part]
    ]


async def _ends(settings: Settings, isolation_level: str, parts: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, isolation_level=isolation_level)
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(parts)
        return ends
    finally:
        await consumer.stop()


def _origin(sent: RecordMetadata) -> str:
    return f"{sent.topic}/{sent.partition}/{sent.offset}"


@contextlib.asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[Any]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
