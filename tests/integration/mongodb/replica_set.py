"""A replica set as a test troubles it: its primary steps down while the service's own adapters use it."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect, PyMongoError

from domain.users.mongo import MongoUserStore
from domain.users.mongo_database import open_mongo
from domain.users.mongo_feed import MongoChangeFeed
from domain.users.service import UserService
from tests.integration.indexer.process import until

TIMEOUT = timedelta(seconds=2)
"""The store's own time limit: shorter than an election may take, so that outcomes do stay unknown."""

ONLY_REAL = "only a real MongoDB shows this: "
NO_REPLICA_SET = f"{ONLY_REAL}MONGODB_TEST_URL does not name a replica set"

Client = AsyncMongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """`database` of it through the service's ports, and a client of the test's own."""

    url: str
    database: str
    client: Client
    users: UserService
    store: MongoUserStore
    feed: MongoChangeFeed

    async def step_down(self, window: timedelta) -> None:
        """Have the primary step down for `window`; return once there is a primary again, elected later."""
        hello = await self.client.admin.command("hello")
        alone = len(hello["hosts"]) == 1
        command = {"replSetStepDown": max(1, round(window.total_seconds()))}
        with contextlib.suppress(AutoReconnect):
            if alone:
                await self.client.admin.command(command | {"force": True})
            else:
                await self.client.admin.command(command | {"secondaryCatchUpPeriodSecs": 1})
        if alone:
            assert not (await self._asked_directly(hello["me"]))["isWritablePrimary"]

        async def elected() -> bool:
            try:
                now = await self.client.admin.command("hello")
            except PyMongoError:
                return False
            return bool(now["isWritablePrimary"]) and (alone or now["electionId"] != hello["electionId"])

        await until(elected, "a primary is elected", 60)

    async def _asked_directly(self, member: str) -> Mapping[str, Any]:
        host, _, port = member.rpartition(":")
        async with Client(host, int(port), directConnection=True) as client:
            return await client.admin.command("hello")


@contextlib.asynccontextmanager
async def connected(url: str, database: str) -> AsyncIterator[ReplicaSet]:
    async with (
        Client(url, serverSelectionTimeoutMS=2000) as client,
        open_mongo(url, database, timeout=TIMEOUT) as mongo,
    ):
        store = MongoUserStore(mongo)
        yield ReplicaSet(url, database, client, UserService(store, phone_region="US"), store, MongoChangeFeed(mongo))


async def why_not_real(url: str | None) -> str | None:
    """Why the server at `url` is no real mongod of a replica set. Raises what the driver raises if none answers."""
    if not url:
        return NO_REPLICA_SET
    async with Client(url, serverSelectionTimeoutMS=10_000) as client:
        build = await client.admin.command("buildInfo")
        hello = await client.admin.command("hello")
    if "secantusVersion" in build or not build["gitVersion"].strip("0"):
        return f"{ONLY_REAL}MONGODB_TEST_URL names a stand-in"
    if "setName" not in hello:
        return f"{ONLY_REAL}MONGODB_TEST_URL names a server that is no replica set"
    return None
