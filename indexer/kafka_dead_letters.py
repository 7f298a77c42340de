"""Dead letters in a topic of their own, for pipelines from or to Kafka."""

from collections.abc import Sequence

import orjson
from aiokafka import AIOKafkaProducer

from domain.settings import Settings
from indexer.dead_letters import DeadLetter, to_json
from indexer.kafka import connection, limited, stop_producer
from indexer.topics import dead_letter_topic


class KafkaDeadLetters:
    """Rare as they are, every call has a producer of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Raises KafkaUnavailable."""
        topic = dead_letter_topic(self._settings)
        producer = AIOKafkaProducer(**connection(self._settings), enable_idempotence=True)
        try:
            async with limited("writing dead letters"):
                await producer.start()
                for letter in letters:
                    await producer.send_and_wait(topic, orjson.dumps(to_json(letter)), letter.key.encode())
        finally:
            await stop_producer(producer)
