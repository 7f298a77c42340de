"""A topic as it is at a moment: its committed records from the beginning to the present end."""

import contextlib
from collections.abc import AsyncGenerator, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from domain.settings import Settings
from indexer.kafka import connection, limited, stop_consumer
from indexer.topics import look_at

PORTION = 1_000
WAIT_MILLISECONDS = 1_000

Message = ConsumerRecord[bytes, bytes]


async def read_topic(settings: Settings, name: str, key: str | None = None) -> AsyncGenerator[Sequence[Message]]:
    """In portions; those of one partition in its order; with `key`, only the partition that its records are in.

    Nothing if there is no such topic. Raises KafkaUnavailable, SettingsError.
    """
    topic = await look_at(settings, name)
    if topic is None:
        return
    numbers = topic.partitions if key is None else [DefaultPartitioner()(key.encode(), topic.partitions, [])]
    consumer = AIOKafkaConsumer(
        **connection(settings), isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        async with limited(f"reading the topic {name}"):
            await consumer.start()
        async with contextlib.aclosing(
            _to_the_end(consumer, [TopicPartition(name, number) for number in numbers])
        ) as all:
            async for portion in all:
                yield portion
    finally:
        await stop_consumer(consumer)


async def _to_the_end(consumer: AIOKafkaConsumer, parts: list[TopicPartition]) -> AsyncGenerator[Sequence[Message]]:
    async with limited("looking for the ends of a topic"):
        consumer.assign(parts)
        begins, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
    left = {part for part in parts if ends[part] > begins[part]}
    while left:
        async with limited("reading a topic"):
            fetched = await consumer.getmany(timeout_ms=WAIT_MILLISECONDS, max_records=PORTION)
            left -= {part for part in left if await consumer.position(part) >= ends[part]}
        if portion := [message for messages in fetched.values() for message in messages]:
            yield portion
