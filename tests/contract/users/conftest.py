"""One contract, three stores: each test runs on the oracle, on SQLite and on MongoDB."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from domain.users.feed import ChangeFeed
from domain.users.ledger import Ledger
from domain.users.store import UserStore
from tests.contract.users.memory import MemoryChangeFeed, MemoryDatabase, MemoryLedger, MemoryUserStore

TIMEOUT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Parts:
    """One empty database, seen through its three ports."""

    store: UserStore
    feed: ChangeFeed
    ledger: Ledger


async def open_parts(kind: str, stack: AsyncExitStack, folder: Path, mongodb_url: str | None = None) -> Parts:
    """A fresh database of `kind`, open until `stack` is closed."""
    match kind:
        case "sqlite":
            from domain.users.sqlite import SqliteDatabase, SqliteUserStore
            from domain.users.sqlite_feed import SqliteChangeFeed
            from domain.users.sqlite_ledger import SqliteLedger

            sqlite = await stack.enter_async_context(SqliteDatabase.open(folder / "users.db", timeout=TIMEOUT))
            return Parts(SqliteUserStore(sqlite), SqliteChangeFeed(sqlite), SqliteLedger(sqlite))
        case "mongodb":
            from domain.users.mongo import MongoUserStore, open_mongo
            from domain.users.mongo_feed import MongoChangeFeed
            from domain.users.mongo_ledger import MongoLedger

            assert mongodb_url
            mongo = await stack.enter_async_context(open_mongo(mongodb_url, f"t{uuid4().hex}", timeout=TIMEOUT))
            return Parts(MongoUserStore(mongo), MongoChangeFeed(mongo), MongoLedger(mongo))
        case _:
            memory = MemoryDatabase()
            return Parts(MemoryUserStore(memory), MemoryChangeFeed(memory), MemoryLedger(memory))


@pytest.fixture(scope="session", params=["memory", "sqlite", "mongodb"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def server_url(kind: str, request: pytest.FixtureRequest) -> str | None:
    return str(request.getfixturevalue("mongodb_url")) if kind == "mongodb" else None


@pytest.fixture
async def parts(kind: str, server_url: str | None, tmp_path: Path) -> AsyncIterator[Parts]:
    async with AsyncExitStack() as stack:
        yield await open_parts(kind, stack, tmp_path, server_url)


@pytest.fixture(scope="session")
async def shared(kind: str, server_url: str | None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parts]:
    """A database that a whole session's generated examples share; each brings users of its own."""
    async with AsyncExitStack() as stack:
        yield await open_parts(kind, stack, tmp_path_factory.mktemp(kind), server_url)
