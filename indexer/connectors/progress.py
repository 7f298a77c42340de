"""How far connectors are: the committed offsets of their groups, beside the ends of the topics."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from domain.settings import Settings
from indexer.connectors.health import Health, Progress, judge, suspect
from indexer.connectors.worker import Connector, ConnectWorker, meant
from indexer.kafka import closed, connection, limited, stop_consumer
from indexer.kafka_refusals import connecting

POLL_SECONDS = 1.0
FETCH_MILLISECONDS = 200


class ProgressReader:
    """`admin` and `consumer` are started; the consumer reads committed records and is in no group."""

    def __init__(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> None:
        self._admin = admin
        self._consumer = consumer

    async def read(self, connector: Connector) -> Progress | None:
        """None if none of its topics is there. Raises KafkaUnavailable."""
        async with limited(f"asking for the offsets of {connector.name}"):
            parts = await self._partitions(connector.topics)
            if not parts:
                return None
            told = await self._admin.list_consumer_group_offsets(f"connect-{connector.name}")
            begins = await self._consumer.beginning_offsets(parts)
            ends = await self._consumer.end_offsets(parts)
        at = {part: max(told[part].offset if part in told else 0, begins[part]) for part in parts}
        lag = sum([await self._lag(part, at[part], ends[part]) for part in parts])
        return Progress({(part.topic, part.partition): offset for part, offset in at.items()}, lag)

    async def _partitions(self, topics: Sequence[str]) -> list[TopicPartition]:
        there = set(await self._admin.list_topics())  # all of them: asking for one may create it
        if not there.intersection(topics):
            return []
        found = await self._admin.describe_topics(sorted(there.intersection(topics)))
        return [TopicPartition(topic["topic"], part["partition"]) for topic in found for part in topic["partitions"]]

    async def _lag(self, part: TopicPartition, committed: int, end: int) -> int:
        """A group never commits past the end of a transaction, so what counts is the next record, if there is one."""
        if committed >= end:
            return 0
        self._consumer.assign([part])
        self._consumer.seek(part, committed)
        async with limited(f"reading {part.topic}"):
            while True:
                fetched = await self._consumer.getmany(part, timeout_ms=FETCH_MILLISECONDS, max_records=1)
                if messages := fetched.get(part):
                    return max(0, end - messages[0].offset)
                if await self._consumer.position(part) >= end:
                    return 0


@contextlib.asynccontextmanager
async def open_progress_reader(settings: Settings) -> AsyncIterator[ProgressReader]:
    """Raises SettingsError, KafkaUnavailable."""
    admin = AIOKafkaAdminClient(**connection(settings))
    consumer = AIOKafkaConsumer(
        **connection(settings), isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        async with connecting(settings):
            await admin.start()
            await consumer.start()
        yield ProgressReader(admin, consumer)
    finally:
        await stop_consumer(consumer)
        await closed(admin.close())


async def watch(
    worker: ConnectWorker,
    reader: ProgressReader,
    seconds: float,
    *,
    name: str | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Sequence[Health]:
    """How connectors are (those that `name` means, if it is given), as soon as that is certain.

    That is at once, unless one is behind and does not get on: it is watched for `seconds`, and is stalled if it has
    not committed anything by then. Raises ConnectorRefused if `name` means none.
    """
    deadline = monotonic() + seconds
    first = {connector.name: await reader.read(connector) for connector in await _chosen(worker, name)}
    while True:
        connectors = await _chosen(worker, name)
        last = {connector.name: await reader.read(connector) for connector in connectors}
        open_cases = [c for c in connectors if suspect(c, first.get(c.name), last[c.name])]
        if not open_cases or monotonic() >= deadline:
            return [judge(c, first.get(c.name), last[c.name]) for c in connectors]
        await asyncio.sleep(min(POLL_SECONDS, max(0.0, deadline - monotonic())))


async def _chosen(worker: ConnectWorker, name: str | None) -> Sequence[Connector]:
    connectors = await worker.connectors()
    return connectors if name is None else meant(name, connectors)
