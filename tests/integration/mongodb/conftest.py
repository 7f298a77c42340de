"""A replica set that holds elections: the tests' stand-in, and a real one where MONGODB_TEST_URL names it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.mongodb.replica_set import ReplicaSet, connected, why_not_real
from tests.servers.fixtures import own_server
from tests.servers.mongodb import MongoServer


@pytest.fixture
async def real_set() -> AsyncIterator[ReplicaSet]:
    """The real replica set that MONGODB_TEST_URL names."""
    async with _real_set() as found:
        yield found


@pytest.fixture(params=["stand-in", "real"])
async def replica_set(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ReplicaSet]:
    """Each kind of replica set that can be had; of the stand-in one of the test's own."""
    if request.param == "real":
        async with _real_set() as found:
            yield found
    else:
        async with own_server(MongoServer, tmp_path) as server, connected(server.url, "elections") as alone:
            yield alone


@asynccontextmanager
async def _real_set() -> AsyncIterator[ReplicaSet]:
    """A skip for want of it is not one of our servers missing: none of them can be it."""
    url = os.environ.get("MONGODB_TEST_URL", "")
    if reason := await why_not_real(url):
        pytest.skip(reason)
    async with connected(url, f"t{uuid4().hex}") as found:
        yield found
        await found.client.drop_database(found.database)
