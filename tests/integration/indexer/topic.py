"""Reading a topic as a test sees it."""

import contextlib
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from domain.settings import Settings

Message = ConsumerRecord[bytes, bytes]


async def read_all(settings: Settings, topic: str) -> list[Message]:
    """Every committed record from the beginning to the present end."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    await consumer.start()
    try:
        parts = [TopicPartition(topic, number) for number in await producer.partitions_for(topic)]
        consumer.assign(parts)
        begins, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        found: list[Message] = []
        for part in parts:
            while ends[part] > begins[part] and await consumer.position(part) < ends[part]:
                for messages in (await consumer.getmany(part, timeout_ms=200)).values():
                    found.extend(messages)
        return found
    finally:
        await consumer.stop()
        await producer.stop()


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
