"""Addresses where nothing is, or something else: what a command says, and what a process that runs waits for."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from domain.backends import open_index_catalog, open_store
from domain.errors import SearchUnavailable, ServiceError
from domain.settings import Settings
from indexer.topics import ensure_topics
from tests.integration.indexer.command import command
from tests.integration.indexer.process import Environment, indexer, settings_of
from tests.integration.indexer.waiting import in_backoff
from tests.servers.ports import free_port

NOWHERE = "nowhere.invalid"

NO_STORE = "MONGODB_URL: no primary of a replica set answered: check the hosts"
NO_SEARCH = "The search engine did not answer: try again in a moment. "
NO_ELASTICSEARCH = "What answers at ELASTICSEARCH_URL is no Elasticsearch."
NOT_REACHED = "It cannot be reached: see that it runs, and http or https, host and port in ELASTICSEARCH_URL."
NO_TLS = "It does not speak TLS that is trusted here: see https or http, and the host, in ELASTICSEARCH_URL."


@pytest.fixture
def places(cluster: Environment) -> dict[str, str]:
    """Where the real servers are, as host:port, and where nothing is."""
    return {
        "elasticsearch": urlsplit(cluster["ELASTICSEARCH_URL"]).netloc,
        "mongodb": urlsplit(cluster["MONGODB_URL"]).netloc,
        "kafka": cluster["KAFKA_BOOTSTRAP_SERVERS"],
        "closed": f"127.0.0.1:{free_port()}",
        "nowhere": f"{NOWHERE}:9999",
    }


async def _reach(settings: Settings) -> None:
    """What every command does first."""
    async with open_store(settings), open_index_catalog(settings) as catalog:
        await catalog.indexes()
    await ensure_topics(settings)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("MONGODB_URL=mongodb://{closed}/?replicaSet=secantus", NO_STORE),
        ("MONGODB_URL=mongodb://{nowhere}/?replicaSet=secantus", NO_STORE),
        ("MONGODB_URL=mongodb://{elasticsearch}/?replicaSet=secantus", NO_STORE),
        ("MONGODB_URL=mongodb://{mongodb}/?replicaSet=another", NO_STORE),
        ("MONGODB_URL=mongodb://{mongodb}/?replicaSet=secantus&tls=true", NO_STORE),
        ("MONGODB_URL=http://{mongodb}", "MONGODB_URL is not a connection string"),
        ("ELASTICSEARCH_URL=http://{closed}", NO_SEARCH + NOT_REACHED),
        ("ELASTICSEARCH_URL=http://{nowhere}", NO_SEARCH + NOT_REACHED),
        ("ELASTICSEARCH_URL=https://{elasticsearch}", NO_SEARCH + NO_TLS),
        ("ELASTICSEARCH_URL=http://{kafka}", NO_SEARCH),
        ("ELASTICSEARCH_URL={elasticsearch}", "ELASTICSEARCH_URL must be http(s)://"),
        ("KAFKA_BOOTSTRAP_SERVERS={closed}", "see KAFKA_BOOTSTRAP_SERVERS"),
        ("KAFKA_BOOTSTRAP_SERVERS={nowhere}", "see KAFKA_BOOTSTRAP_SERVERS"),
        ("KAFKA_BOOTSTRAP_SERVERS={elasticsearch}", "see KAFKA_BOOTSTRAP_SERVERS"),
        ("KAFKA_BOOTSTRAP_SERVERS={closed},{nowhere}", "see KAFKA_BOOTSTRAP_SERVERS"),
        ("KAFKA_SECURITY_PROTOCOL=SSL", "whether KAFKA_SECURITY_PROTOCOL=SSL is right"),
    ],
)
async def test_an_address_that_is_wrong_is_named_by_its_setting(
    cluster: Environment, places: dict[str, str], setting: str, told: str
) -> None:
    variable, value = setting.format(**places).split("=", 1)
    with pytest.raises(ServiceError) as raised:
        await _reach(settings_of({**cluster, "STORE_TIMEOUT": "1", variable: value}))
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("line", "setting", "told"),
    [
        ("run", "MONGODB_URL=mongodb://{closed}/?replicaSet=secantus", NO_STORE),
        ("verify", "ELASTICSEARCH_URL=https://{elasticsearch}", NO_SEARCH + NO_TLS),
        ("dead-letters list", "KAFKA_BOOTSTRAP_SERVERS={closed}", "see KAFKA_BOOTSTRAP_SERVERS"),
    ],
)
async def test_a_command_says_it_and_ends_with_3(
    cluster: Environment, places: dict[str, str], line: str, setting: str, told: str
) -> None:
    variable, value = setting.format(**places).split("=", 1)
    ended = await command({**cluster, "STORE_TIMEOUT": "1", variable: value}, *line.split())
    assert ended.exit_code == 3, ended.err
    assert told in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err


async def test_a_web_server_is_no_elasticsearch(cluster: Environment) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port := free_port()):
        with pytest.raises(SearchUnavailable) as raised:
            await _reach(settings_of({**cluster, "ELASTICSEARCH_URL": f"http://127.0.0.1:{port}"}))
    assert str(raised.value) == NO_SEARCH + NO_ELASTICSEARCH


async def test_pipelines_wait_and_say_which_setting_is_wrong(
    cluster: Environment, places: dict[str, str], tmp_path: Path
) -> None:
    environment = {
        **cluster,
        "ELASTICSEARCH_URL": f"https://{places['elasticsearch']}",
        "KAFKA_SECURITY_PROTOCOL": "SSL",
        "INDEXER_PORT": str(free_port()),
    }
    told = {
        "mongo-to-kafka": "whether KAFKA_SECURITY_PROTOCOL=SSL is right",
        "kafka-to-elasticsearch": NO_TLS,
    }
    async with indexer(environment, tmp_path / "indexer.log") as process:
        await in_backoff(environment, told)
        assert await process.end() == 0
