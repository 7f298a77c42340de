"""Transactions that a broker never ended: found by the readers they hold up, and ended by a later commit.

A broker that is killed within milliseconds of a commit can come back without the commit's marker in a partition. The
producer was told that all is well, but readers of committed records wait there until the same transactional id commits
in that partition again. Aborting would be wrong: it would take back what was acknowledged.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from domain.errors import StoreUnavailable
from domain.settings import Settings
from indexer import record
from indexer.again import Again
from indexer.errors import NotOurs
from indexer.kafka import connection, limited, stop_consumer
from indexer.topics import look_at

LOOK_SECONDS = 15.0
"""Longer than any transaction of ours lives (sinks.kafka.TRANSACTION_MILLISECONDS): what is still open then is hung."""

FETCH_MILLISECONDS = 2_000
PORTION = 100

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ends:
    """Of a partition: where readers of committed records stop, and where the records end."""

    committed: int
    written: int


def hung(before: Mapping[int, Ends], now: Mapping[int, Ends]) -> list[int]:
    """The partitions in which readers were held up at both looks, and at the same place. Pure."""
    return [
        part
        for part, ends in now.items()
        if ends.committed < ends.written
        and part in before
        and before[part].committed == ends.committed < before[part].written
    ]


class HungTransactions:
    """Looks after the topic of one relay, which writes by `again`."""

    def __init__(self, settings: Settings, again: Again) -> None:
        self._settings = settings
        self._again = again

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look every 15 seconds, without end. Raises KafkaUnavailable."""
        before: Mapping[int, Ends] = {}
        while True:
            present = await self._ends()
            if found := hung(before, present):
                await self._end(found, present)
            before = present
            await sleep(LOOK_SECONDS)

    async def _ends(self) -> Mapping[int, Ends]:
        async with self._consumer("read_committed") as (consumer, parts):
            committed = await consumer.end_offsets(parts)
        async with self._consumer("read_uncommitted") as (consumer, parts):
            written = await consumer.end_offsets(parts)
        return {part.partition: Ends(committed[part], written[part]) for part in parts}

    async def _end(self, numbers: list[int], ends: Mapping[int, Ends]) -> None:
        """Write a user of each partition once more, as the store has it now: that is new to nobody, and commits."""
        users: dict[str, int] = {}
        for number in numbers:
            users |= await self._user(number, ends[number].committed)
        log.warning("transactions hang: their partitions are committed again", partitions=numbers, users=len(users))
        try:
            await self._again.write(users)
        except StoreUnavailable as exc:
            log.warning("hung transactions are ended later", why=exc.message)

    async def _user(self, number: int, offset: int) -> Mapping[str, int]:
        """A user of whom the hung transaction has a record, and its version."""
        async with self._consumer("read_uncommitted") as (consumer, parts):
            (part,) = (part for part in parts if part.partition == number)
            consumer.assign([part])
            consumer.seek(part, offset)
            fetched = await consumer.getmany(timeout_ms=FETCH_MILLISECONDS, max_records=PORTION)
        for message in fetched.get(part, []):
            try:
                entry = record.decode(message.key, message.value, message.headers)
            except NotOurs:
                continue
            return {entry.id: entry.version}
        return {}

    @asynccontextmanager
    async def _consumer(self, isolation: str) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
        topic = await look_at(self._settings, self._settings.kafka_topic)
        numbers = topic.partitions if topic else []
        consumer = AIOKafkaConsumer(**connection(self._settings), isolation_level=isolation, enable_auto_commit=False)
        try:
            async with limited("looking for hung transactions"):
                await consumer.start()
                yield consumer, [TopicPartition(self._settings.kafka_topic, number) for number in numbers]
        finally:
            await stop_consumer(consumer)
