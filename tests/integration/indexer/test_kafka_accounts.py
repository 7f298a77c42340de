"""A broker that asks for an account: with the right one everything travels, with a wrong one nothing is lost."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from domain.backends import Backends, open_backends
from indexer.errors import KafkaUnavailable
from indexer.topics import ensure_topics
from tests.integration.indexer.command import command
from tests.integration.indexer.process import Environment, indexer, settings_of
from tests.integration.indexer.waiting import in_backoff, in_the_index
from tests.servers.fixtures import own_server
from tests.servers.kafka import KafkaServer
from tests.servers.ports import free_port

NAME, PASSWORD = "pipelines", "right-and-long-enough"
WRONG = "nobody-may-read-this"
REFUSED = "refuses KAFKA_USERNAME and KAFKA_PASSWORD"


@pytest.fixture(scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KafkaServer]:
    """A broker that asks for an account by SCRAM."""
    async with own_server(KafkaServer, tmp_path_factory.mktemp("guarded"), accounts={NAME: PASSWORD}) as server:
        yield server


@pytest.fixture
def environment(without_kafka: Environment, guarded: KafkaServer) -> Environment:
    return {
        **without_kafka,
        "KAFKA_BOOTSTRAP_SERVERS": guarded.url,
        "KAFKA_TOPIC": without_kafka["SEARCH_ALIAS"],
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_USERNAME": NAME,
        "KAFKA_PASSWORD": PASSWORD,
        "INDEXER_PORT": str(free_port()),
    }


@pytest.fixture
async def backends(environment: Environment) -> AsyncIterator[Backends]:
    async with open_backends(settings_of(environment)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kafka_password": SecretStr(WRONG)}, REFUSED),
        ({"kafka_username": "somebody"}, REFUSED),
        ({"kafka_sasl_mechanism": "PLAIN"}, "KAFKA_SASL_MECHANISM"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "KAFKA_SECURITY_PROTOCOL=PLAINTEXT"),
    ],
    ids=["password", "account", "mechanism", "protocol"],
)
async def test_what_the_broker_does_not_take_is_a_setting_to_look_at(
    environment: Environment, given: dict[str, Any], told: str
) -> None:
    begun = time.monotonic()
    with pytest.raises(KafkaUnavailable) as raised:
        await ensure_topics(settings_of(environment).model_copy(update=given))
    assert told in str(raised.value)
    assert WRONG not in str(raised.value)
    assert time.monotonic() - begun < 20


async def test_an_account_without_a_password_is_refused_at_the_start(environment: Environment) -> None:
    without = {name: value for name, value in environment.items() if name != "KAFKA_PASSWORD"}
    ended = await command(without, "run")
    message = "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT needs KAFKA_USERNAME and KAFKA_PASSWORD."
    assert (ended.exit_code, ended.err.splitlines()[-1]) == (2, message)


async def test_a_command_with_a_wrong_password_says_which_setting(environment: Environment) -> None:
    ended = await command({**environment, "KAFKA_PASSWORD": WRONG}, "dead-letters", "list")
    assert ended.exit_code == 2
    assert REFUSED in ended.err.splitlines()[-1]
    assert WRONG not in ended.err


async def test_what_is_written_while_the_account_is_refused_arrives_afterwards(
    environment: Environment, guarded: KafkaServer, backends: Backends, tmp_path: Path
) -> None:
    """The password is changed under pipelines that run, and changed back."""
    log = tmp_path / "indexer.log"
    ids = [await _create(backends, "before")]
    async with indexer(environment, log) as process:
        await in_the_index(backends, ids)
        await guarded.set_password(NAME, "another")
        await guarded.kill()  # so that everybody has to say who he is
        await guarded.start()
        await in_backoff(environment, dict.fromkeys(("mongo-to-kafka", "kafka-to-elasticsearch"), REFUSED))
        ids.append(await _create(backends, "meanwhile"))
        await guarded.set_password(NAME, PASSWORD)
        await in_the_index(backends, ids)
        assert await process.end() == 0
    told = log.read_text()
    assert REFUSED in told
    assert PASSWORD not in told
    assert "Traceback" not in told
    assert '"trace"' not in told


async def _create(backends: Backends, name: str) -> str:
    return (await backends.users.create({"username": name})).id
