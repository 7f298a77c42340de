"""The topic as a source: a consumer group that reads committed records and commits offsets by hand, after delivery.

Any number of processes share the partitions. There is no lease: an index compares versions itself, so a member that
wakes from a pause does no harm. A reader that waits (a full queue, a sink that is down) holds its partitions for
`POLL_MILLISECONDS`, which is longer than any batch may live.
"""

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, RebalanceInProgressError

from domain.clock import Clock, from_milliseconds, now
from domain.settings import Settings
from indexer import record
from indexer.dead_letters import DeadLetter
from indexer.errors import NotOurs
from indexer.kafka import connection, limited, stop_consumer
from indexer.sinks.sink import Sink
from indexer.sources.source import Chunk
from indexer.topics import ensure_topics

POLL_MILLISECONDS = 600_000
WAIT_MILLISECONDS = 1_000
PROBE_SECONDS = 5.0

Message = ConsumerRecord[bytes, bytes]
Offsets = Mapping[TopicPartition, int]


class KafkaSource:
    """`consumer` is started."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        *,
        limit: int,
        clock: Clock = now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._limit = limit
        self._clock = clock
        self._monotonic = monotonic
        self._probed_at = monotonic()
        self._committed: dict[TopicPartition, int] = {}

    async def chunks(self) -> AsyncGenerator[Chunk[Offsets], None]:
        """Raises KafkaUnavailable, NewerSchema (in a rolling update: wait for the newer release)."""
        offsets: dict[TopicPartition, int] = {}
        while True:
            async with limited("fetching"):
                fetched = await self._consumer.getmany(timeout_ms=WAIT_MILLISECONDS, max_records=self._limit)
            offsets |= {part: messages[-1].offset + 1 for part, messages in fetched.items()}
            yield self._chunk([message for messages in fetched.values() for message in messages], dict(offsets))
            await self._probe()

    async def commit(self, position: Offsets) -> None:
        """What a rebalance took away in the meantime is left to its new owner, who reads it again."""
        async with limited("committing offsets"):
            with contextlib.suppress(CommitFailedError, IllegalStateError, RebalanceInProgressError):
                moved = dict(position.items() - self._committed.items())
                mine = {part: moved[part] for part in self._consumer.assignment() & moved.keys()}
                if mine:
                    await self._consumer.commit(mine)
                self._committed |= mine

    def _chunk(self, messages: Sequence[Message], position: Offsets) -> Chunk[Offsets]:
        entries, refused = [], []
        for message in messages:
            try:
                entries.append(record.decode(message.key, message.value, message.headers))
            except NotOurs as exc:
                origin = f"{message.topic}/{message.partition}/{message.offset}"
                refused.append(DeadLetter("", 0, origin, exc.message, 1, self._clock()))
        since = min((message.timestamp for message in messages), default=None)
        return Chunk(entries, position, None if since is None else from_milliseconds(since), refused)

    async def _probe(self) -> None:
        """A fetch says nothing of a broker that is gone: ask it something, now and then."""
        if self._monotonic() - self._probed_at < PROBE_SECONDS:
            return
        self._probed_at = self._monotonic()
        async with limited("asking for the ends of the partitions"):
            await self._consumer.end_offsets(list(self._consumer.assignment()))


class _FromTheBeginning(ConsumerRebalanceListener):
    """Reads what the group gives this consumer from the beginning, whatever was committed."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Nothing is kept by partition."""

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        if assigned:
            await self._consumer.seek_to_beginning(*assigned)


@contextlib.asynccontextmanager
async def open_kafka_source(settings: Settings, group: str, sink: Sink) -> AsyncIterator[KafkaSource]:
    """Join `group`; if `sink` is empty, its offsets are not believed. Raises SettingsError, KafkaUnavailable."""
    topic = await ensure_topics(settings)
    consumer = AIOKafkaConsumer(
        **connection(settings),
        group_id=group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_interval_ms=POLL_MILLISECONDS,
    )
    try:
        listener = _FromTheBeginning(consumer) if await sink.empty() else None
        consumer.subscribe([topic.name], listener=listener)
        async with limited("joining the consumer group"):
            await consumer.start()
        yield KafkaSource(consumer, limit=settings.batch_count)
    finally:
        await stop_consumer(consumer)
