"""What only a real mongod shows: an oplog that rolls over by its size, and a standalone server. Skipped elsewhere.

The elections of test_elections.py run on the same set.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from bson import Timestamp, json_util
from structlog.testing import capture_logs

from domain.backends import StoreBackend, open_store
from domain.errors import PositionLost, SettingsError
from domain.users.mongo_database import open_mongo
from indexer.lease import PREFIX, Claim
from indexer.pairs import DIRECT
from tests.integration.indexer.pipeline import pipeline, until_level
from tests.integration.indexer.process import environment_of, settings_of
from tests.integration.mongodb.replica_set import NO_REPLICA_SET, ONLY_REAL, Client, ReplicaSet, why_not_real
from tests.servers.fixtures import own_server
from tests.servers.mongodb import MongoServer

MAX_OPLOG_MEGABYTES = 64
ROLL_OVER_SECONDS = 180
FILLER_BYTES = 1_000_000


@pytest.fixture
def search_url(request: pytest.FixtureRequest) -> str:
    """Elasticsearch, which is not started where the test is skipped anyway."""
    if not os.environ.get("MONGODB_TEST_URL"):
        pytest.skip(NO_REPLICA_SET)
    return str(request.getfixturevalue("elasticsearch_url"))


class StandaloneServer(MongoServer):
    """The stand-in without its replica set."""

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}"

    def _command(self) -> list[str]:
        return [*super()._command(), "--standalone"]


async def test_an_oplog_that_rolled_over_leads_to_a_resync(real_set: ReplicaSet, search_url: str) -> None:
    megabytes = await _oplog_megabytes(real_set.client)
    if megabytes > MAX_OPLOG_MEGABYTES:
        pytest.skip(
            f"only a small oplog rolls over in time: this one has {megabytes} MB, start mongod with --oplogSize 16"
        )
    environment = environment_of(
        {
            "MONGODB_URL": real_set.url,
            "MONGODB_DATABASE": real_set.database,
            "ELASTICSEARCH_URL": search_url,
            "SEARCH_ALIAS": real_set.database,
        }
    )
    settings = settings_of(environment)
    async with open_store(settings) as store:
        rows = [{"username": f"user{number}"} for number in range(10)]
        ever = {r.user.id: 1 for r in await store.users.import_rows(rows, by="username") if r.user is not None}
        async with pipeline(settings, DIRECT):
            await until_level(settings, DIRECT, store, ever)
            follows = await real_set.feed.now()
            await _until_position_beyond(store, follows)
        ids = sorted(ever)
        await store.users.update(ids[0], {"displayName": "changed unseen"})
        await store.users.delete(ids[1])
        assert await store.users.expire_tombstones(timedelta(milliseconds=-1)) == 1
        await _roll_over(real_set)
        with pytest.raises(PositionLost, match="oplog"):
            async with real_set.feed.follow(follows):
                pass
        with capture_logs() as logs:
            async with pipeline(settings, DIRECT):
                await until_level(settings, DIRECT, store, ever)
        assert [line["event"] for line in logs].count("position lost") == 1


async def _until_position_beyond(store: StoreBackend, position: str) -> None:
    """Wait until the pipeline follows the feed, no longer the resync, so that what it loses is a resume token."""
    async with asyncio.timeout(30):
        while True:
            entry = await store.ledger.read(PREFIX + DIRECT.name)
            kept = entry and Claim.of(entry.value).position
            if kept and not kept.startswith("resync") and _data(kept) >= _data(position):
                return
            await asyncio.sleep(0.1)


def _data(position: str) -> str:
    """A resume token's text, which sorts by time."""
    data: str = json_util.loads(position)["_data"]
    return data


async def _oplog_megabytes(client: Client) -> int:
    stats = await client["local"].command("collStats", "oplog.rs")
    return int(stats["maxSize"]) // 2**20


async def _roll_over(replica_set: ReplicaSet) -> None:
    """Write until the oplog begins after this moment. It is cut off only behind a checkpoint: ask for one."""
    oplog, admin = replica_set.client["local"]["oplog.rs"], replica_set.client.admin
    filler = replica_set.client[replica_set.database]["filler"]
    hello = await admin.command("hello")
    now: Timestamp = hello["lastWrite"]["opTime"]["ts"]
    deadline = time.monotonic() + ROLL_OVER_SECONDS
    while True:
        first = await oplog.find_one(sort=[("$natural", 1)])
        assert first is not None
        if first["ts"] > now:
            return
        assert time.monotonic() < deadline, "the oplog does not roll over"
        await filler.insert_many([{"filler": os.urandom(FILLER_BYTES)} for _ in range(8)])
        await filler.delete_many({})
        await admin.command("fsync")


async def test_a_standalone_server_is_refused_at_the_start(standalone_url: str) -> None:
    with pytest.raises(SettingsError, match=r"^MONGODB_URL leads to .* no replica set.* run rs.initiate\(\) once"):
        async with open_mongo(standalone_url, "users", timeout=timedelta(seconds=5)):
            pass


@pytest.fixture(params=["stand-in", "real"])
async def standalone_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "stand-in":
        async with own_server(StandaloneServer, tmp_path) as server:
            yield server.url
        return
    url = os.environ.get("MONGODB_STANDALONE_TEST_URL", "")
    if not url:
        pytest.skip(f"{ONLY_REAL}MONGODB_STANDALONE_TEST_URL does not name a standalone server")
    assert "no replica set" in str(await why_not_real(url))
    yield url
