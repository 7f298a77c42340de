"""The topic as sink and source on a real broker."""

import asyncio
import contextlib
import time
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pydantic import SecretStr

from domain.errors import SettingsError
from domain.search.index import Outcome
from domain.settings import Settings
from indexer.errors import KafkaUnavailable
from indexer.kafka_dead_letters import KafkaDeadLetters
from indexer.sinks.kafka import Refused, open_kafka_sink
from indexer.topics import POLICY, ensure_topics
from tests.integration.indexer.consuming import consuming, until
from tests.integration.indexer.topic import admin_of, newest_versions, read_all
from tests.servers.kafka import KafkaServer
from tests.unit.indexer.fakes import FakeDeadLetters, FakeSink, deletion, entry, user_id


def _settings(bootstrap_servers: str) -> Settings:
    return Settings(kafka_bootstrap_servers=bootstrap_servers, kafka_topic=f"t{uuid4().hex}", kafka_partitions=3)


@pytest.fixture
def settings(kafka_bootstrap_servers: str) -> Settings:
    return _settings(kafka_bootstrap_servers)


async def test_topics_are_created_as_they_have_to_be_and_then_only_checked(settings: Settings) -> None:
    assert (await ensure_topics(settings)).created
    assert not (await ensure_topics(settings)).created
    async with admin_of(settings) as admin:
        names = [settings.kafka_topic, f"{settings.kafka_topic}.dead-letters"]
        for name in names:
            (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
            config = {item[0]: item[1] for item in answer.resources[0][4]}  # type: ignore[attr-defined]
            assert {key: config[key] for key in POLICY} == POLICY
        topics = await admin.describe_topics(names)
        assert [len(topic["partitions"]) for topic in topics] == [3, 3]


async def test_many_processes_may_create_the_topics_at_once(settings: Settings) -> None:
    topics = await asyncio.gather(*(ensure_topics(settings) for _ in range(5)))
    assert sum(topic.created for topic in topics) == 1


async def test_a_topic_that_is_not_compacted_is_refused_and_left_alone(settings: Settings) -> None:
    async with admin_of(settings) as admin:
        await admin.create_topics([NewTopic(settings.kafka_topic, 1, 1)])
    for _ in range(2):
        with pytest.raises(SettingsError, match=r"KAFKA_TOPIC: .*cleanup.policy is delete, not compact"):
            await ensure_topics(settings)


async def test_a_replication_that_cannot_be_had_is_a_setting_to_correct(settings: Settings) -> None:
    greedy = settings.model_copy(update={"kafka_replication": 3})
    with pytest.raises(SettingsError, match=r"KAFKA_REPLICATION: .* cannot be created: InvalidReplicationFactorError"):
        await ensure_topics(greedy)


async def test_a_broker_that_is_not_there() -> None:
    started = time.monotonic()
    with pytest.raises(KafkaUnavailable, match="KAFKA_BOOTSTRAP_SERVERS"):
        await ensure_topics(_settings("127.0.0.1:1"))
    assert time.monotonic() - started < 20


async def test_credentials_that_the_broker_does_not_take_are_settings_to_look_at(settings: Settings) -> None:
    given = {
        "kafka_security_protocol": "SASL_PLAINTEXT",
        "kafka_username": "user",
        "kafka_password": SecretStr("not for the log"),
    }
    with pytest.raises(
        KafkaUnavailable, match="asks for no account, so KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT is wrong"
    ) as raised:
        await ensure_topics(settings.model_copy(update=given))
    assert "not for the log" not in str(raised.value)


async def test_what_is_written_is_read_in_its_order(settings: Settings) -> None:
    async with open_kafka_sink(settings, "w", set()) as sink:
        assert await sink.empty()
        first = await sink.write([entry(n) for n in range(50)])
        second = await sink.write([entry(1, 2), deletion(2, 2)])
        assert {result.outcome for result in (*first, *second)} == {Outcome.APPLIED}
        assert not await sink.empty()
        held = [pair async for portion in sink.held() for pair in portion]
    newest = newest_versions(await read_all(settings, settings.kafka_topic))
    assert newest == {user_id(n): (1, True) for n in range(50)} | {user_id(1): (2, True), user_id(2): (2, False)}
    assert sorted(held) == sorted([*((user_id(n), 1) for n in range(50)), (user_id(1), 2)])


async def test_a_successor_fences_and_nothing_of_the_fenced_one_is_left(settings: Settings) -> None:
    async with open_kafka_sink(settings, "relay", set()) as old:
        await old.write([entry(1, 1)])
        async with open_kafka_sink(settings, "relay", set()) as new:
            await new.write([entry(1, 3)])
            with pytest.raises(KafkaUnavailable, match="ProducerFenced"):
                await old.write([entry(1, 2)])
            with pytest.raises(KafkaUnavailable):
                await old.write([entry(1, 2)])
            await new.write([entry(2, 1)])
    newest = newest_versions(await read_all(settings, settings.kafka_topic))
    assert newest == {user_id(1): (3, True), user_id(2): (1, True)}


async def test_a_write_that_is_cancelled_leaves_nothing_that_blocks_readers(settings: Settings) -> None:
    with contextlib.suppress(asyncio.CancelledError, KafkaUnavailable):
        async with open_kafka_sink(settings, "relay", set()) as sink:
            await sink.write([entry(0)])
            writing = asyncio.create_task(sink.write([entry(n) for n in range(400)]))
            await asyncio.sleep(0.005)
            writing.cancel()
            await writing
    started = time.monotonic()
    async with open_kafka_sink(settings, "other", set()) as sink:
        await sink.write([entry(1000)])
    assert time.monotonic() - started < 8
    found = {(message.key or b"").decode() for message in await read_all(settings, settings.kafka_topic)}
    assert {user_id(0), user_id(1000)} <= found
    assert len(found) in (2, 401)  # all of the cancelled transaction, or nothing


async def test_a_record_larger_than_the_topic_takes_is_rejected_alone(settings: Settings) -> None:
    async with open_kafka_sink(settings, "w", set()) as sink:
        results = await sink.write([entry(1), entry(2, padding="x" * 2_000_000), entry(3)])
        assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.REJECTED, Outcome.APPLIED]
        assert "bytes" in results[1].reason
    assert set(newest_versions(await read_all(settings, settings.kafka_topic))) == {user_id(1), user_id(3)}


async def test_a_record_that_the_broker_refuses_is_rejected_by_the_next_session(settings: Settings) -> None:
    refused: Refused = set()
    large = entry(2, padding="x" * 50_000)
    async with open_kafka_sink(settings, "w", refused) as sink:
        await _limit_messages(settings, 10_000)
        with pytest.raises(KafkaUnavailable, match="MessageSizeTooLarge"):
            await sink.write([entry(1), large])
    async with open_kafka_sink(settings, "w", refused) as sink:
        sink._topic = sink._topic.__class__(settings.kafka_topic, False, 1_000_000)
        results = await sink.write([entry(1), large])
        assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.REJECTED]
    assert set(newest_versions(await read_all(settings, settings.kafka_topic))) == {user_id(1)}


async def _limit_messages(settings: Settings, bytes: int) -> None:
    async with admin_of(settings) as admin:
        config = {**POLICY, "max.message.bytes": str(bytes)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.kafka_topic, config)])
    await asyncio.sleep(0.5)


async def test_dead_letters_are_kept_by_user(settings: Settings) -> None:
    await ensure_topics(settings)
    letters = FakeDeadLetters()
    sink = FakeSink()
    await _poison(settings)
    async with consuming(settings, "g", sink, letters) as status:
        await until(lambda: len(letters.letters) == 1)
        assert status.dead_letters == 1
    await KafkaDeadLetters(settings).add(letters.letters)
    (message,) = await read_all(settings, f"{settings.kafka_topic}.dead-letters")
    told = orjson.loads(message.value or b"")
    assert (told["id"], told["reason"]) == ("", "the key is not the id of a user")
    assert told["origin"].startswith(f"{settings.kafka_topic}/")
    assert (message.key or b"").decode() == told["origin"]


async def test_poison_holds_nothing_up(settings: Settings) -> None:
    sink, letters = FakeSink(), FakeDeadLetters()
    async with open_kafka_sink(settings, "w", set()) as topic:
        await topic.write([entry(n) for n in range(10)])
        await _poison(settings)
        await topic.write([entry(n, 2) for n in range(10)])
    async with consuming(settings, "g", sink, letters):
        await until(lambda: all(made.version == 2 for made in sink.users.values()) and len(sink.users) == 10)
    assert len(letters.letters) == 1
    async with consuming(settings, "g", sink, letters) as status:  # committed: nothing is read again
        await asyncio.sleep(1)
        assert status.read == 0


async def test_two_consumers_share_the_topic_and_one_takes_over(settings: Settings) -> None:
    sink = FakeSink()
    async with (
        open_kafka_sink(settings, "w", set()) as topic,
        consuming(settings, "g", sink) as one,
        contextlib.AsyncExitStack() as stack,
    ):
        other = await stack.enter_async_context(consuming(settings, "g", sink))
        await until(lambda: sink.users.keys() >= {user_id(0)}, also=lambda: topic.write([entry(0)]))
        await topic.write([entry(n) for n in range(300)])
        await until(lambda: len(sink.users) == 300)
        assert one.read
        assert other.read
        await stack.aclose()
        await topic.write([entry(n, 2) for n in range(300)])
        await until(lambda: all(made.version == 2 for made in sink.users.values()))


async def test_the_offsets_of_an_empty_sink_are_not_believed(settings: Settings) -> None:
    async with open_kafka_sink(settings, "w", set()) as topic:
        await topic.write([entry(n) for n in range(10)])
    first, second = FakeSink(), FakeSink()
    async with consuming(settings, "g", first):
        await until(lambda: len(first.users) == 10)
    async with consuming(settings, "g", second):
        await until(lambda: len(second.users) == 10)


async def test_a_broker_that_dies_in_a_transaction_loses_and_doubles_nothing(kafka_server: KafkaServer) -> None:
    settings = _settings(kafka_server.url)
    written: dict[str, int] = {}

    async def write_for(seconds: float) -> None:
        """Like a relay: what fails is written again by a new producer."""
        version, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(KafkaUnavailable):
                async with open_kafka_sink(settings, "relay", set()) as sink:
                    while time.monotonic() < end:
                        version += 1
                        await sink.write([entry(n, version) for n in range(20)])
                        written.update({user_id(n): version for n in range(20)})

    writing = asyncio.create_task(write_for(12))
    await asyncio.sleep(2)
    await kafka_server.kill()
    await kafka_server.start()
    await writing
    newest = newest_versions(await read_all(settings, settings.kafka_topic))
    assert {id: version for id, (version, _) in newest.items()} == written


async def _poison(settings: Settings) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    try:
        await producer.send_and_wait(settings.kafka_topic, b"{", b"not an id")
    finally:
        await producer.stop()
