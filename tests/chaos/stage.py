"""What a run needs: servers of its own, the proxy, and the service's processes on them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

from domain.settings import Mode
from tests.chaos.expiry import Expiry
from tests.chaos.proxy import Proxy
from tests.chaos.system import Part, System, running
from tests.integration.indexer.process import environment_of
from tests.servers.elasticsearch import ElasticsearchServer
from tests.servers.kafka import KafkaServer
from tests.servers.local import LocalServer
from tests.servers.mongodb import MongoServer

Stage = tuple[System, Mapping[str, Part], Proxy | None]

LABELS: Mapping[type[LocalServer], str] = {
    MongoServer: "MongoDB",
    ElasticsearchServer: "Elasticsearch",
    KafkaServer: "Kafka",
}


@contextlib.asynccontextmanager
async def staged(mode: Mode, folder: Path, expiry: Expiry | None) -> AsyncIterator[Stage]:
    """Everything of that mode, started in `folder`. Raises ServerError."""
    kinds: list[type[LocalServer]] = [] if mode is Mode.EMBEDDED else [MongoServer, ElasticsearchServer]
    if mode is Mode.CLUSTER:
        kinds.append(KafkaServer)
    servers = [kind(folder / kind.name) for kind in kinds]
    async with AsyncExitStack() as stack:
        for server in servers:
            await asyncio.to_thread(server.install)
            stack.push_async_callback(server.stop)
        await asyncio.gather(*(server.start() for server in servers))
        yield await stack.enter_async_context(played(mode, servers, folder, expiry, spares=True))


@contextlib.asynccontextmanager
async def played(
    mode: Mode, servers: Sequence[LocalServer], folder: Path, expiry: Expiry | None = None, *, spares: bool = False
) -> AsyncIterator[Stage]:
    """The service in that mode on running `servers`, with names of its own in each of them; `spares` as in System."""
    name = f"chaos{uuid4().hex}"
    given = {} if expiry is None else {"BATCH_MAX_AGE": str(expiry.max_age)}
    async with AsyncExitStack() as stack:
        proxy: Proxy | None = None
        for server in servers:
            if isinstance(server, MongoServer):
                given |= {"MONGODB_URL": server.url, "MONGODB_DATABASE": name}
            elif isinstance(server, KafkaServer):
                given |= {"KAFKA_BOOTSTRAP_SERVERS": server.url, "KAFKA_TOPIC": name}
            else:
                proxy = await stack.enter_async_context(Proxy(server.port).serving())
                given |= {"ELASTICSEARCH_URL": proxy.url, "SEARCH_ALIAS": name}
        system = await stack.enter_async_context(running(environment_of(given), folder, spares=spares))
        assert system.settings.mode is mode
        yield system, {LABELS[type(server)]: server for server in servers}, proxy
