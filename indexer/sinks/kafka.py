"""The topic as a sink, written in transactions that are fenced at the broker.

With one `transactional.id` a pipeline, a relay that wakes from a pause cannot append: its successor's start fenced it.
The order lease, producer, checkpoint; awaiting every send before the commit; and dropping everything after any error
are what make it hold. A user's last record in the topic is therefore always its newest.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from domain.search.document import IndexEntry
from domain.search.index import Outcome, Result
from domain.settings import Settings
from indexer import record
from indexer.errors import KafkaUnavailable, NotOurs
from indexer.kafka import closed, connection, limited, stop_producer
from indexer.record import Record
from indexer.topic_reader import Message, read_topic
from indexer.topics import Topic, ensure_topics

TRANSACTION_MILLISECONDS = 10_000
"""How long a relay that died can hold back the readers of committed records, unless a successor starts sooner."""

Refused = set[tuple[str, int]]
"""Ids and versions of records that the broker has refused: they outlive the producer that learned it."""


@contextlib.asynccontextmanager
async def open_kafka_sink(settings: Settings, transactional_id: str, refused: Refused) -> AsyncIterator["KafkaSink"]:
    """Create or check the topics, start the producer (which fences every earlier one of this id), end both at exit.

    Raises SettingsError, KafkaUnavailable.
    """
    topic = await ensure_topics(settings)
    producer = AIOKafkaProducer(
        **connection(settings),
        transactional_id=transactional_id,
        transaction_timeout_ms=TRANSACTION_MILLISECONDS,
        max_request_size=topic.max_message_bytes,
        linger_ms=0,
    )
    try:
        async with limited("starting the producer"):
            await producer.start()
        yield KafkaSink(settings, producer, topic, refused)
    finally:
        await stop_producer(producer)


class KafkaSink:
    """Of no more use after any error but the record's own."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer, topic: Topic, refused: Refused) -> None:
        self._settings = settings
        self._producer = producer
        self._topic = topic
        self._refused = refused

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        """One transaction; a topic takes any version, with `repair` or without.

        Raises KafkaUnavailable: begin anew, whatever became of it.
        """
        if repair:
            await self._notice_new_limit()
        records = [record.encode(entry) for entry in entries]
        results = [self._judge(entry, made) for entry, made in zip(entries, records, strict=True)]
        sent = [
            (entry, made)
            for entry, made, result in zip(entries, records, results, strict=True)
            if result.outcome is Outcome.APPLIED
        ]
        if sent:
            async with limited("a transaction"):
                await self._transact(sent)
        return results

    async def empty(self) -> bool:
        async with contextlib.aclosing(read_topic(self._settings, self._topic.name)) as portions:
            async for _ in portions:
                return False
        return True

    async def held(self) -> AsyncGenerator[Sequence[tuple[str, int]], None]:
        async with contextlib.aclosing(read_topic(self._settings, self._topic.name)) as portions:
            async for messages in portions:
                if portion := _versions(messages):
                    yield portion

    async def _notice_new_limit(self) -> None:
        """What is written again may have been refused for its size; a producer learns a new limit when it is made."""
        topic = await ensure_topics(self._settings)
        if topic.max_message_bytes != self._topic.max_message_bytes:
            self._refused.clear()
            raise KafkaUnavailable(f"the topic takes {topic.max_message_bytes} bytes now: begin anew")

    def _judge(self, entry: IndexEntry, made: Record) -> Result:
        if made.size > self._topic.max_message_bytes:
            return Result(Outcome.REJECTED, f"{made.size} bytes, and the topic takes {self._topic.max_message_bytes}")
        if (entry.id, entry.version) in self._refused:
            return Result(Outcome.REJECTED, "the broker refuses it for its size")
        return Result(Outcome.APPLIED)

    async def _transact(self, sent: Sequence[tuple[IndexEntry, Record]]) -> None:
        await self._producer.begin_transaction()
        futures: list[asyncio.Future[object]] = []
        try:
            for _, made in sent:
                futures.append(
                    await self._producer.send(self._topic.name, made.value, made.key, headers=list(made.headers))
                )
            outcomes = await asyncio.gather(*futures, return_exceptions=True)
            self._check([entry for entry, _ in sent], outcomes)
        except BaseException:
            for future in futures:
                future.add_done_callback(_retrieved)
            await self._abort()
            raise
        await self._producer.commit_transaction()

    def _check(self, entries: Sequence[IndexEntry], outcomes: Sequence[object]) -> None:
        """A commit would succeed over a refused record, which would then be missing: so none may be."""
        failed = [(entry, out) for entry, out in zip(entries, outcomes, strict=True) if isinstance(out, BaseException)]
        self._refused.update(
            (entry.id, entry.version) for entry, error in failed if isinstance(error, MessageSizeTooLargeError)
        )
        for _, error in failed:
            raise KafkaUnavailable(f"a record: {type(error).__name__}") from error

    async def _abort(self) -> None:
        """Within its limit. What cannot be aborted now, the broker aborts by itself, or has when it fenced us."""
        await closed(self._producer.abort_transaction())


def _retrieved(future: "asyncio.Future[object]") -> None:
    """Nobody awaits it any more: asyncio need not complain of its error."""
    if not future.cancelled():
        future.exception()


def _versions(messages: Sequence[Message]) -> list[tuple[str, int]]:
    """Of those that hold a user and are ours, in their order."""
    found = []
    for message in messages:
        with contextlib.suppress(NotOurs):
            entry = record.decode(message.key, message.value, message.headers)
            if entry.document is not None:
                found.append((entry.id, entry.version))
    return found
