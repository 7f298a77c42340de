"""The topic as a source: a consumer group that reads committed records and commits offsets by hand, after delivery.

Any number of processes share the partitions. There is no lease: an index compares versions itself, so a member that
wakes from a pause does no harm. Where the topic cannot tell what is missing, a resync from the store is owed: that is
an entry in the ledger until it is delivered, so that one that breaks off begins again, whoever has the partitions
then. Whoever reads partition 0 does it, beside the reading.
"""

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RebalanceInProgressError,
)

from domain.backends import StoreBackend
from domain.clock import Clock, now
from domain.errors import StoreUnavailable
from domain.settings import Settings
from indexer import record
from indexer.dead_letters import DeadLetter
from indexer.errors import NotOurs
from indexer.kafka import connection, limited, stop_consumer
from indexer.projection import Projection
from indexer.requests import LOOK_SECONDS
from indexer.sinks.sink import Sink
from indexer.sources.offsets import start
from indexer.sources.owed import OwedResyncs
from indexer.sources.snapshot import Snapshot
from indexer.sources.source import Chunk
from indexer.topics import ensure_topics

POLL_SECONDS = 600
"""For so long a reader that waits (a full queue, a sink that is down) keeps its partitions: its heartbeats go on."""

SESSION_MILLISECONDS = 10_000
"""After so long without a heartbeat its partitions go to others. Heartbeats are a task of their own."""

WAIT_MILLISECONDS = 1_000
PROBE_SECONDS = 5.0

Message = ConsumerRecord[bytes, bytes]
Offsets = Mapping[TopicPartition, int]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class At:
    """The next offset of each partition, and the keys of the requests for a resync that are delivered by then."""

    offsets: Offsets
    resynced: Sequence[str] = ()


class KafkaSource(ConsumerRebalanceListener):
    """`consumer` is not subscribed yet; it never resets an offset by itself."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        topic: str,
        sink: Sink,
        owed: OwedResyncs,
        snapshot: Snapshot,
        *,
        limit: int,
        clock: Clock = now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._sink = sink
        self._owed = owed
        self._snapshot = snapshot
        self._limit = limit
        self._clock = clock
        self._monotonic = monotonic
        self._probed_at = monotonic()
        self._look_at = monotonic()
        self._next: dict[TopicPartition, int] = {}
        """Of each partition that is assigned and of which it is decided from where it is read."""
        self._lost: set[TopicPartition] = set()
        """Partitions that have not, or no more, what was to be read next."""
        self._beyond: set[TopicPartition] = set()
        self._assignments = 0
        self._committed: dict[TopicPartition, int] = {}
        self._resynced: tuple[str, ...] = ()

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """What is read of them is delivered all the same."""

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Whatever was known of the partitions, the group's other members may have changed."""
        self._assignments += 1
        self._next.clear()
        self._committed.clear()

    async def chunks(self) -> AsyncGenerator[Chunk[At], None]:
        """Raises KafkaUnavailable, NewerSchema (in a rolling update: wait for the newer release)."""
        while True:
            yield await self._fetch(WAIT_MILLISECONDS)
            if requests := await self._requests():
                async with contextlib.aclosing(self._resync(requests)) as resync:
                    async for chunk in resync:
                        yield chunk
            await self._probe()

    async def commit(self, position: At) -> None:
        """What a rebalance took away in the meantime is left to its new owner, who reads it again."""
        await self._commit({part: offset for part, offset in position.offsets.items() if part in self._next})
        await self._owed.settle(position.resynced)

    async def lag(self) -> int | None:
        """Offsets behind what was read; transactions' markers and what was compacted away count, too."""
        if not self._next:
            return None
        return sum(max(0, end - self._next[part]) for part, end in (await self._ends()).items() if part in self._next)

    async def _fetch(self, milliseconds: int) -> Chunk[At]:
        await self._decide()
        async with limited("fetching"):
            try:
                fetched = await self._consumer.getmany(timeout_ms=milliseconds, max_records=self._limit)
            except OffsetOutOfRangeError as exc:
                fetched = {}
                begins = await self._consumer.beginning_offsets(list(self._next))
                self._lose(
                    {*exc.args[0], *(part for part, begin in begins.items() if begin > self._next.get(part, begin))}
                )
            except NoOffsetForPartitionError:  # assigned in the meantime
                fetched = {}
            with contextlib.suppress(IllegalStateError):  # taken away in the meantime
                for part in list(self._next):
                    position = await self._consumer.position(part)
                    if part in self._next:
                        self._next[part] = position
        return self._chunk([message for part in fetched if part in self._next for message in fetched[part]])

    async def _decide(self) -> None:
        """From where partitions are read that were assigned, or lost, since the last call."""
        parts = self._consumer.assignment() - self._next.keys()
        if not parts:
            return
        assignments = self._assignments
        async with limited("looking for where to read on"):
            begins, ends = await self._consumer.beginning_offsets(parts), await self._consumer.end_offsets(parts)
            committed = await self._committed_offsets()
        empty, begun = await self._sink.empty(), any(committed.values())
        for part in self._lost:
            committed.pop(part, None)
        starts = {
            part: start(committed.get(part), begins[part], ends[part], sink_empty=empty, begun=begun) for part in parts
        }
        if gaps := {part.partition: at.gap for part, at in starts.items() if at.gap}:
            await self._owed.owe(gaps)
            self._look_at = self._monotonic()
        if assignments != self._assignments:
            return
        for part, at in starts.items():
            self._consumer.seek(part, at.offset)
            self._next[part] = at.offset
        self._lost -= parts
        await self._commit({part: at.offset for part, at in starts.items() if at.offset != committed.get(part)})

    async def _committed_offsets(self) -> dict[TopicPartition, int]:
        """Of the whole topic, whoever reads it: an index that was lost shows in any of them."""
        parts = [TopicPartition(self._topic, number) for number in self._consumer.partitions_for_topic(self._topic)]
        found = {part: await self._consumer.committed(part) for part in parts}
        return {part: offset for part, offset in found.items() if offset is not None}

    async def _commit(self, offsets: Offsets) -> None:
        moved = dict(offsets.items() - self._committed.items())
        mine = {part: moved[part] for part in self._consumer.assignment() & moved.keys()}
        if not mine:
            return
        async with limited("committing offsets"):
            with contextlib.suppress(CommitFailedError, IllegalStateError, RebalanceInProgressError):
                await self._consumer.commit(mine)
                self._committed |= mine

    async def _requests(self) -> Sequence[str]:
        """The keys of the requests for a resync that this member has to see to now."""
        now = self._monotonic()
        if now < self._look_at or TopicPartition(self._topic, 0) not in self._next:
            return ()
        self._look_at = now + LOOK_SECONDS
        with contextlib.suppress(StoreUnavailable):  # reading goes on without the store
            return [key for key in await self._owed.keys() if key not in self._resynced]
        return ()

    async def _resync(self, requests: Sequence[str]) -> AsyncGenerator[Chunk[At], None]:
        """All of the store, and what is read in the meantime. Without the store, it begins again later."""
        parts: AsyncGenerator[Chunk[At], None] = self._snapshot.all()
        try:
            async with contextlib.aclosing(parts):
                async for part in parts:
                    yield part
                    yield replace(await self._fetch(0), snapshot=True)
        except StoreUnavailable as exc:
            log.warning("resync broken off", why=str(exc))
            return
        self._resynced = (*self._resynced, *requests)
        yield self._chunk(())

    def _chunk(self, messages: Sequence[Message]) -> Chunk[At]:
        entries, refused = [], []
        for message in messages:
            try:
                entries.append(record.decode(message.key, message.value, message.headers))
            except NotOurs as exc:
                origin = f"{message.topic}/{message.partition}/{message.offset}"
                refused.append(DeadLetter("", 0, origin, exc.message, 1, self._clock()))
        written = (record.written_at(message.timestamp) for message in messages)
        since = min((at for at in written if at is not None), default=None)
        return Chunk(entries, At(dict(self._next), self._resynced), since, refused)

    async def _probe(self) -> None:
        """A fetch says nothing of a broker that is gone: ask it something, now and then.

        A partition that ends before what was read is another one of the same name; once seen, it may be a broker that
        does not know its end yet.
        """
        if self._monotonic() - self._probed_at < PROBE_SECONDS:
            return
        self._probed_at = self._monotonic()
        beyond = {part for part, end in (await self._ends()).items() if end < self._next.get(part, 0)}
        self._lose(beyond & self._beyond)
        self._beyond = beyond

    def _lose(self, parts: Collection[TopicPartition]) -> None:
        self._lost |= set(parts)
        for part in parts:
            self._next.pop(part, None)

    async def _ends(self) -> Offsets:
        async with limited("asking for the ends of the partitions"):
            ends: Offsets = await self._consumer.end_offsets(list(self._consumer.assignment()))
            return ends


@contextlib.asynccontextmanager
async def open_kafka_source(
    settings: Settings, pipeline: str, sink: Sink, backend: StoreBackend
) -> AsyncIterator[KafkaSource]:
    """Join the group of `pipeline`. Raises SettingsError, KafkaUnavailable."""
    topic = await ensure_topics(settings)
    snapshot = Snapshot(backend.store, sink, Projection(pipeline), limit=settings.batch_count)
    owed = OwedResyncs(backend.ledger, pipeline)
    consumer = AIOKafkaConsumer(
        **connection(settings),
        group_id=f"{settings.kafka_topic}.{pipeline}",
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        session_timeout_ms=SESSION_MILLISECONDS,
        max_poll_interval_ms=POLL_SECONDS * 1000,
    )
    source = KafkaSource(consumer, topic.name, sink, owed, snapshot, limit=settings.batch_count)
    try:
        consumer.subscribe([topic.name], listener=source)
        async with limited("joining the consumer group"):
            await consumer.start()
        yield source
    finally:
        await stop_consumer(consumer)
