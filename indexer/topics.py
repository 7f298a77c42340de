"""The topics `users` and `users.dead-letters`: created as they have to be, or checked and refused; never altered."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from domain.errors import SettingsError
from domain.settings import Settings
from indexer.errors import KafkaUnavailable
from indexer.kafka import closed, connection, limited
from indexer.kafka_refusals import connecting

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

POLICY: Mapping[str, str] = {
    "cleanup.policy": "compact",
    "max.compaction.lag.ms": str(DAY_MS),
    "segment.ms": str(HOUR_MS),
    "delete.retention.ms": str(7 * DAY_MS),
}

SAFE_REPLICATION = 3
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that is there: `created` by this call, and the largest batch it takes, in bytes."""

    name: str
    created: bool
    max_message_bytes: int


@dataclass(frozen=True, slots=True)
class TopicState:
    """What a broker says of a topic: the numbers of its partitions, and its configuration, defaults included."""

    partitions: list[int]
    config: Mapping[str, str]


def dead_letter_topic(settings: Settings) -> str:
    return f"{settings.kafka_topic}.dead-letters"


async def ensure_topics(settings: Settings) -> Topic:
    """Both topics are there as POLICY says; the first one. Raises SettingsError, KafkaUnavailable."""
    async with _admin(settings) as admin:
        topics = [await _ensure(admin, name, settings) for name in (settings.kafka_topic, dead_letter_topic(settings))]
    return topics[0]


async def look_at(settings: Settings, name: str) -> TopicState | None:
    """The topic `name` as it is; None if there is none: it is not created. Raises SettingsError, KafkaUnavailable."""
    async with _admin(settings) as admin:
        async with limited(f"looking for the topic {name}"):
            if name not in await admin.list_topics():  # all of them: asking for one may create it
                return None
            described: Any = await admin.describe_topics([name])
        return TopicState(sorted(part["partition"] for part in described[0]["partitions"]), await _config(admin, name))


def differences(config: Mapping[str, str]) -> list[str]:
    """What of a topic's `config` is not as POLICY says, in words."""
    found = [f"{name} is {config.get(name)}, not {value}" for name, value in POLICY.items()]
    return [text for text, (name, value) in zip(found, POLICY.items(), strict=True) if config.get(name) != value]


@contextlib.asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection(settings))
    try:
        async with connecting(settings):
            await admin.start()
        yield admin
    finally:
        await closed(admin.close())


async def _ensure(admin: AIOKafkaAdminClient, name: str, settings: Settings) -> Topic:
    async with limited(f"looking for the topic {name}"):
        names = await admin.list_topics()  # all of them: asking for one may create it
    created = name not in names and await _create(admin, name, settings)
    config = await _config(admin, name)
    if wrong := differences(config):
        raise SettingsError(
            f"KAFKA_TOPIC: the topic {name} exists and is not what is needed ({'; '.join(wrong)}): "
            "correct it with kafka-configs.sh, or choose another name."
        )
    return Topic(name, created, int(config["max.message.bytes"]))


async def _create(admin: AIOKafkaAdminClient, name: str, settings: Settings) -> bool:
    """Whether it was this call that created it."""
    config = dict(POLICY)
    if settings.kafka_replication >= SAFE_REPLICATION:
        config["min.insync.replicas"] = "2"
    topic = NewTopic(name, settings.kafka_partitions, settings.kafka_replication, topic_configs=config)
    async with limited(f"creating the topic {name}"):
        response: Any = await admin.create_topics([topic])
    code, *details = response.topic_errors[0][1:]
    if not code:
        return True
    error = for_code(code)
    if error is TopicAlreadyExistsError:
        return False
    message = f"{error.__name__} {details[0] if details and details[0] else ''}".rstrip()
    if error.retriable:
        raise KafkaUnavailable(f"creating the topic {name}: {message}")
    raise SettingsError(
        f"KAFKA_TOPIC, KAFKA_PARTITIONS or KAFKA_REPLICATION: the topic {name} cannot be created: {message}."
    )


async def _config(admin: AIOKafkaAdminClient, name: str) -> dict[str, str]:
    """The configuration of a topic, which a broker may not know yet although another one has just created it."""
    async with limited(f"reading the configuration of the topic {name}"):
        while True:
            answers: Any = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
            code, message, _, _, entries = answers[0].resources[0][:5]
            if not code:
                return {entry[0]: entry[1] for entry in entries}
            error = for_code(code)
            if not error.retriable:
                raise error(message)
            await asyncio.sleep(LOOK_SECONDS)
