"""The real servers of a mode, on free ports, in a folder that is removed with them.

Where MONGODB_TEST_URL names a replica set, that is the MongoDB: the tests' stand-in looks at every user at each find,
which with 100,000 users takes seconds. It may be in use, so every database has a name of its own and is dropped.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from pymongo import AsyncMongoClient

from domain.settings import Mode
from tests.servers.connect import ConnectServer
from tests.servers.elasticsearch import ElasticsearchServer
from tests.servers.kafka import KafkaServer
from tests.servers.local import LocalServer
from tests.servers.mongodb import MongoServer

Environment = Mapping[str, str]


@asynccontextmanager
async def environment(mode: Mode) -> AsyncIterator[Environment]:
    """The variables by which our processes find the mode's servers, which run until exit."""
    with _folder() as folder:
        async with AsyncExitStack() as stack:
            found = {"DATA_DIR": str(folder), "ENVIRONMENT": "development", "LOG_LEVEL": "WARNING"}
            for variable, server in _servers(mode, folder).items():
                found[variable] = await _started(server, stack)
            if mode is not Mode.EMBEDDED:
                found["MONGODB_DATABASE"] = await stack.enter_async_context(own_database(found["MONGODB_URL"]))
                found |= {"SEARCH_REPLICAS": "0", "CHANGE_TOKEN_SECRET": "only for benchmarks, and long enough"}
            yield found


@asynccontextmanager
async def lent(server: type[MongoServer] | type[ElasticsearchServer]) -> AsyncIterator[str]:
    """The URL of one server that runs until exit."""
    with _folder() as folder:
        async with AsyncExitStack() as stack:
            yield await _started(_elasticsearch(folder) if server is ElasticsearchServer else server(folder), stack)


@asynccontextmanager
async def own_database(url: str) -> AsyncIterator[str]:
    """The name of a database that is nobody else's, and is dropped at exit."""
    name = f"benchmark{uuid4().hex[:12]}"
    try:
        yield name
    finally:
        async with AsyncMongoClient[dict[str, Any]](url) as client:
            await client.drop_database(name)


@asynccontextmanager
async def worker(variables: Environment) -> AsyncIterator[str]:
    """The URL of a worker of Kafka Connect between the servers of the cluster, which runs until exit."""
    with _folder() as folder:
        elasticsearch = {"ELASTICSEARCH_URL": variables["ELASTICSEARCH_URL"]}
        server = ConnectServer(
            folder, bootstrap_servers=variables["KAFKA_BOOTSTRAP_SERVERS"], environment=elasticsearch, compiler="full"
        )
        async with AsyncExitStack() as stack:
            yield await _started(server, stack)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder until exit that other users may look into, as whom Elasticsearch runs."""
    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _servers(mode: Mode, folder: Path) -> Mapping[str, LocalServer]:
    if mode is Mode.EMBEDDED:
        return {}
    servers: dict[str, LocalServer] = {
        "MONGODB_URL": MongoServer(folder / "mongodb"),
        "ELASTICSEARCH_URL": _elasticsearch(folder / "elasticsearch"),
    }
    if mode is Mode.CLUSTER:
        servers["KAFKA_BOOTSTRAP_SERVERS"] = KafkaServer(folder / "kafka")
    return servers


def _elasticsearch(folder: Path) -> ElasticsearchServer:
    return ElasticsearchServer(folder, compiler="full", heap="1g")


async def _started(server: LocalServer, stack: AsyncExitStack) -> str:
    if isinstance(server, MongoServer) and (url := os.environ.get("MONGODB_TEST_URL")):
        return url
    type(server).install()
    await server.start()
    stack.push_async_callback(server.stop)
    return server.url
