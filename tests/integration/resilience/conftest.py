"""Servers of these tests' own, started once, to kill."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from domain.settings import Mode
from tests.servers.elasticsearch import ElasticsearchServer
from tests.servers.fixtures import own_server, refuse, why_not
from tests.servers.kafka import KafkaServer
from tests.servers.local import LocalServer
from tests.servers.mongodb import MongoServer


@dataclass(frozen=True, slots=True)
class Servers:
    mongodb: MongoServer
    elasticsearch: ElasticsearchServer
    kafka: KafkaServer

    def of(self, mode: Mode) -> Sequence[LocalServer]:
        """Those that a mode needs."""
        return {
            Mode.EMBEDDED: (),
            Mode.WITHOUT_KAFKA: (self.mongodb, self.elasticsearch),
            Mode.CLUSTER: (self.mongodb, self.elasticsearch, self.kafka),
        }[mode]


@pytest.fixture(scope="package")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """A cluster's servers, to kill."""
    for kind in (MongoServer, ElasticsearchServer, KafkaServer):
        if reason := await asyncio.to_thread(why_not, kind):
            refuse(kind.name, reason)
    folder = tmp_path_factory.mktemp("servers")
    async with AsyncExitStack() as stack:
        async with asyncio.TaskGroup() as group:
            mongodb = group.create_task(stack.enter_async_context(own_server(MongoServer, folder)))
            elasticsearch = group.create_task(stack.enter_async_context(own_server(ElasticsearchServer, folder)))
            kafka = group.create_task(stack.enter_async_context(own_server(KafkaServer, folder)))
        yield Servers(mongodb.result(), elasticsearch.result(), kafka.result())
