"""A position that is lost, however it was lost, leads by itself to a resync without a gap.

In each case users are created, changed and deleted where the feed does not tell it any more, tombstones included: only
who reads the store again, and looks for what is left over, ends level with it.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient
from structlog.testing import capture_logs

from domain.backends import StoreBackend, open_store
from domain.errors import PositionLost
from domain.settings import Settings
from domain.users.model import User
from indexer.lease import PREFIX, Claim
from indexer.pairs import DIRECT, EMBEDDED, RELAY, Pair
from indexer.sources.position import feed_position
from indexer.topics import ensure_topics
from tests.integration.indexer.pipeline import pipeline, until_level
from tests.integration.indexer.process import Environment, environment_of, settings_of
from tests.servers.fixtures import own_server
from tests.servers.mongodb import MongoServer

OPLOG_ENTRIES = 300


class ForgetfulMongoServer(MongoServer):
    """Its oplog rolls over after OPLOG_ENTRIES, as a real one does after its size."""

    def _command(self) -> Sequence[str]:
        return [*super()._command(), "--oplog-max-entries", str(OPLOG_ENTRIES)]


@pytest.fixture(scope="module")
async def forgetful_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with own_server(ForgetfulMongoServer, tmp_path_factory.mktemp("forgetful")) as server:
        yield server.url


class Users:
    """Those of one store, and all who ever were in it."""

    def __init__(self, settings: Settings, pair: Pair, store: StoreBackend) -> None:
        self._settings = settings
        self._pair = pair
        self._numbers = itertools.count()
        self.store = store
        self.ever: dict[str, int] = {}

    async def create(self, count: int) -> list[User]:
        rows = [{"username": f"user{next(self._numbers)}"} for _ in range(count)]
        users = [result.user for result in await self.store.users.import_rows(rows, by="username")]
        created = [user for user in users if user is not None]
        assert len(created) == count
        self.ever |= {user.id: user.version for user in created}
        return created

    async def change_unseen(self) -> None:
        """Create, change and delete some, and leave no trace of those who are deleted."""
        live = sorted(await self.store.users.get(list(self.ever)))
        await self.create(3)
        for id in live[:3]:
            await self.store.users.update(id, {"displayName": "changed unseen"})
        for id in live[-3:]:
            await self.store.users.delete(id)
        assert await self.store.users.expire_tombstones(timedelta(milliseconds=-1)) >= 3

    async def level(self) -> None:
        await until_level(self._settings, self._pair, self.store, self.ever)

    async def position(self) -> str:
        """From where the pipeline would follow the feed."""
        entry = await self.store.ledger.read(PREFIX + self._pair.name)
        assert entry is not None
        position = Claim.of(entry.value).position
        assert position is not None
        return feed_position(position)


@contextlib.asynccontextmanager
async def a_lost_position(because: str) -> AsyncIterator[None]:
    """Within it a pipeline has lost its position once, for a reason that names `because`."""
    with capture_logs() as logs:
        yield
    [lost] = [line for line in logs if line["event"] == "position lost"]
    assert because in lost["reason"]


@pytest.fixture(params=[RELAY, DIRECT], ids=lambda pair: pair.name)
def pair(request: pytest.FixtureRequest) -> Pair:
    chosen: Pair = request.param
    return chosen


@pytest.fixture
def environment(pair: Pair, forgetful_url: str, request: pytest.FixtureRequest) -> Environment:
    name = f"t{uuid4().hex}"
    servers = {"MONGODB_URL": forgetful_url, "ELASTICSEARCH_URL": request.getfixturevalue("elasticsearch_url")}
    if pair == RELAY:
        servers["KAFKA_BOOTSTRAP_SERVERS"] = request.getfixturevalue("kafka_bootstrap_servers")
    return environment_of({**servers, "MONGODB_DATABASE": name, "SEARCH_ALIAS": name, "KAFKA_TOPIC": name})


@pytest.fixture
def settings(environment: Environment) -> Settings:
    return settings_of(environment)


@pytest.fixture
async def users(settings: Settings, pair: Pair) -> AsyncIterator[Users]:
    if pair == RELAY:
        await ensure_topics(settings)  # or this test's reading would create it, otherwise than it has to be
    async with open_store(settings) as store:
        yield Users(settings, pair, store)


async def test_every_way_to_lose_the_place_in_a_change_stream(
    settings: Settings, pair: Pair, users: Users, forgetful_url: str
) -> None:
    await users.create(10)
    async with pipeline(settings, pair):
        await users.level()

    await users.change_unseen()
    await _roll_over(forgetful_url, settings.mongodb_database)
    with pytest.raises(PositionLost, match="no longer be in the oplog"):
        async with users.store.feed.follow(await users.position()):
            pass
    async with a_lost_position("no longer be in the oplog"), pipeline(settings, pair):
        await users.level()

    await users.change_unseen()
    await users.store.ledger.remove(PREFIX + pair.name)
    async with pipeline(settings, pair):
        await users.level()

        async with a_lost_position("drop"):
            await _drop_users(forgetful_url, settings.mongodb_database)
            await users.create(4)
            await users.level()

    await _drop_users(forgetful_url, settings.mongodb_database)
    await users.create(2)
    async with a_lost_position("drop"), pipeline(settings, pair):
        await users.level()
        await users.create(1)
        await users.level()


async def _roll_over(url: str, database: str) -> None:
    """Write more than the oplog holds, elsewhere in the database."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        await client[database]["filler"].insert_many([{"number": n} for n in range(2 * OPLOG_ENTRIES)])
        assert (await client.admin.command("secantusAdmin.pruneOplog"))["ok"]


async def _drop_users(url: str, database: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        await client[database]["users"].drop()


async def test_a_journal_that_does_not_reach_back_to_the_checkpoint(tmp_path: Path) -> None:
    settings = settings_of(environment_of({"DATA_DIR": str(tmp_path)}))
    async with open_store(settings) as store:
        users = Users(settings, EMBEDDED, store)
        await users.create(10)
        async with pipeline(settings, EMBEDDED):
            await users.level()
        await users.change_unseen()
        await users.create(1)
        with contextlib.closing(sqlite3.connect(tmp_path / "users.db")) as connection, connection:
            connection.execute("DELETE FROM journal WHERE seq < (SELECT max(seq) FROM journal)")
        async with a_lost_position("no longer kept"), pipeline(settings, EMBEDDED):
            await users.level()
        await users.change_unseen()
        await users.store.ledger.remove(PREFIX + EMBEDDED.name)
        async with pipeline(settings, EMBEDDED):
            await users.level()
