"""Fixtures that lend real servers to tests, and the last line of a test run: which tests wanted a server in vain."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.servers.connect import ConnectServer
from tests.servers.elasticsearch import ElasticsearchServer
from tests.servers.golang import GoTool
from tests.servers.kafka import KafkaServer
from tests.servers.local import LocalServer
from tests.servers.mongodb import MongoServer
from tests.servers.server import InstallError

_WANTED = "no server: "
ServerT = TypeVar("ServerT", bound=LocalServer)


@pytest.fixture(scope="session")
async def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """One MongoDB for the whole session (take a database of your own), or MONGODB_TEST_URL."""
    async with _shared(MongoServer, "MONGODB_TEST_URL", tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="session")
async def elasticsearch_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """One Elasticsearch for the whole session (take index names of your own), or ELASTICSEARCH_TEST_URL."""
    async with _shared(ElasticsearchServer, "ELASTICSEARCH_TEST_URL", tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="session")
async def kafka_bootstrap_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """One Kafka for the whole session (take topics of your own), or KAFKA_TEST_BOOTSTRAP_SERVERS."""
    async with _shared(KafkaServer, "KAFKA_TEST_BOOTSTRAP_SERVERS", tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="session")
async def connect_url(
    kafka_bootstrap_servers: str, elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """One worker of Kafka Connect for the whole session, between the session's Kafka and Elasticsearch."""
    async with own_server(
        ConnectServer,
        tmp_path_factory.mktemp(ConnectServer.name),
        bootstrap_servers=kafka_bootstrap_servers,
        environment={"ELASTICSEARCH_URL": elasticsearch_url},
    ) as server:
        yield server.url


@pytest.fixture
async def mongodb_server(tmp_path: Path) -> AsyncIterator[MongoServer]:
    """A MongoDB of the test's own, to kill and to pause."""
    async with own_server(MongoServer, tmp_path) as server:
        yield server


@pytest.fixture
async def elasticsearch_server(tmp_path: Path) -> AsyncIterator[ElasticsearchServer]:
    """An Elasticsearch of the test's own, to kill and to pause."""
    async with own_server(ElasticsearchServer, tmp_path) as server:
        yield server


@pytest.fixture
async def kafka_server(tmp_path: Path) -> AsyncIterator[KafkaServer]:
    """A Kafka of the test's own, to kill and to pause."""
    async with own_server(KafkaServer, tmp_path) as server:
        yield server


@asynccontextmanager
async def _shared(kind: type[LocalServer], variable: str, folders: pytest.TempPathFactory) -> AsyncIterator[str]:
    if url := os.environ.get(variable):
        yield url
        return
    async with own_server(kind, folders.mktemp(kind.name)) as server:
        yield server.url


@asynccontextmanager
async def own_server(kind: type[ServerT], folder: Path, **options: Any) -> AsyncIterator[ServerT]:
    """A server below `folder`, made with `options`, until exit; skips or fails the test where it cannot be had."""
    if reason := await asyncio.to_thread(why_not, kind):
        refuse(kind.name, reason)
    server = kind(folder / kind.name, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@cache
def why_not(kind: type[LocalServer]) -> str | None:
    """Install the server; the reason when that cannot be had, looked for once a session."""
    if reason := kind.missing():
        return reason
    try:
        kind.install()
    except InstallError as error:
        return error.reason
    return None


def built(tool: GoTool) -> GoTool:
    """That tool once it is built; skips or fails the test where it cannot be."""
    if reason := _why_not_built(tool):
        refuse(tool.name, reason)
    return tool


@cache
def _why_not_built(tool: GoTool) -> str | None:
    if reason := tool.missing():
        return reason
    try:
        tool.install()
    except InstallError as error:
        return error.reason
    return None


def refuse(name: str, reason: str) -> None:
    """Skip the test, or fail it where REQUIRE_SERVERS=1 says that servers have to be there."""
    message = f"{_WANTED}{name} ({' '.join(reason.split())})"
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def missed(skips: Iterable[str]) -> str | None:
    """One line about the tests that wanted a server in vain, from the reasons of all skipped tests."""
    counts = Counter(skip.partition(_WANTED)[2] for skip in skips if _WANTED in skip)
    if not counts:
        return None
    total = counts.total()
    return f"{total} test{'s' if total > 1 else ''} skipped for want of: {', '.join(sorted(counts))}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """Say after everything else what was not tested."""
    yield
    skipped: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    if line := missed(report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)):
        terminalreporter.write_line(line, yellow=True, bold=True)
