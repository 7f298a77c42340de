"""Dead letters in a compacted topic of their own, for pipelines from or to Kafka: a null drops a letter."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence

import orjson
from aiokafka import AIOKafkaProducer

from domain.settings import Mode, Settings
from domain.users.ledger import Ledger
from indexer.dead_letters import DeadLetter, DeadLetters, LedgerDeadLetters, from_json, to_json
from indexer.kafka import connection, limited, stop_producer
from indexer.newest import Newest
from indexer.topic_reader import Message, read_topic
from indexer.topics import dead_letter_topic


class KafkaDeadLetters:
    """Rare as they are, every call has a producer of its own, and reads the whole topic."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = dead_letter_topic(settings)

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        await self._send({letter.key: orjson.dumps(to_json(letter)) for letter in letters})

    async def get(self, keys: Sequence[str]) -> Mapping[str, DeadLetter]:
        wanted, found = set(keys), dict[str, DeadLetter]()
        if not wanted:
            return found
        async with contextlib.aclosing(self._records()) as records:
            async for key, letter in records:
                if letter is None:
                    found.pop(key, None)
                elif key in wanted:
                    found[key] = letter
        return found

    async def page(self, after: str | None, limit: int) -> Sequence[DeadLetter]:
        while True:
            newest = Newest(after, limit)
            async with contextlib.aclosing(self._records()) as records:
                async for key, letter in records:
                    newest.tell(key, letter)
            if newest.letters() or newest.end is None:
                return newest.letters()
            after = newest.end

    async def drop(self, keys: Sequence[str]) -> None:
        await self._send(dict.fromkeys(keys))

    async def _send(self, values: Mapping[str, bytes | None]) -> None:
        if not values:
            return
        producer = AIOKafkaProducer(**connection(self._settings), enable_idempotence=True)
        try:
            async with limited("writing dead letters"):
                await producer.start()
                sent = [await producer.send(self._topic, value, key.encode()) for key, value in values.items()]
                await asyncio.gather(*sent)
        finally:
            await stop_producer(producer)

    async def _records(self) -> AsyncGenerator[tuple[str, DeadLetter | None]]:
        """Every key and letter in the topic's order, those of one key in the order of writing."""
        async with contextlib.aclosing(read_topic(self._settings, self._topic)) as portions:
            async for portion in portions:
                for message in portion:
                    with contextlib.suppress(KeyError, TypeError, ValueError):  # somebody else's record: none of ours
                        yield _read(message)


def dead_letters(settings: Settings, ledger: Ledger) -> DeadLetters:
    """Where the pipelines of the settings' mode put theirs: in Kafka where there is one, else in `ledger`."""
    return KafkaDeadLetters(settings) if settings.mode is Mode.CLUSTER else LedgerDeadLetters(ledger)


def _read(message: Message) -> tuple[str, DeadLetter | None]:
    key = (message.key or b"").decode()
    if message.value is None:
        return key, None
    letter = from_json(orjson.loads(message.value))
    if letter.key != key:
        raise ValueError(key)
    return key, letter
