"""Reading a topic as a test sees it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from domain.settings import Settings

Message = ConsumerRecord[bytes, bytes]


MARKERS_TAKE = 10.0
"""Seconds within which the broker writes the marker of a transaction whose commit it has answered."""


async def read_all(settings: Settings, topic: str) -> list[Message]:
    """Every committed record from the beginning to the present end."""
    async with _consumer(settings, "read_committed") as consumer, _consumer(settings, "read_uncommitted") as other:
        parts = await _partitions(settings, topic)
        consumer.assign(parts)
        begins, ends = await consumer.beginning_offsets(parts), await _committed_ends(consumer, other, parts)
        await consumer.seek_to_beginning(*parts)
        found: list[Message] = []
        for part in parts:
            while ends[part] > begins[part] and await consumer.position(part) < ends[part]:
                for messages in (await consumer.getmany(part, timeout_ms=200)).values():
                    found.extend(messages)
        return found


async def _partitions(settings: Settings, topic: str) -> list[TopicPartition]:
    """Asked by a producer, which waits for a broker that has just come back; a topic that is not there is created."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    try:
        return [TopicPartition(topic, number) for number in await producer.partitions_for(topic)]
    finally:
        await producer.stop()


async def _committed_ends(
    consumer: AIOKafkaConsumer, other: AIOKafkaConsumer, parts: list[TopicPartition]
) -> dict[TopicPartition, int]:
    """Where committed records end, once every marker that is under way is there.

    What a hung transaction holds back after that is not committed for anybody.
    """
    due = time.monotonic() + MARKERS_TAKE
    written = await other.end_offsets(parts)
    while (ends := await consumer.end_offsets(parts)) != written and time.monotonic() < due:
        await asyncio.sleep(0.05)
        written = await other.end_offsets(parts)
    return dict(ends)


@contextlib.asynccontextmanager
async def _consumer(settings: Settings, isolation_level: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        isolation_level=isolation_level,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def newest_versions(messages: list[Message]) -> dict[str, tuple[int, bool]]:
    """By id: the version of the last record, and whether it holds a user."""
    found: dict[str, tuple[int, bool]] = {}
    for message in messages:
        found[(message.key or b"").decode()] = (int(dict(message.headers)["version"]), message.value is not None)
    return found


@contextlib.asynccontextmanager
async def admin_of(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers or "")
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
