"""Writing users to the stores, beside their drivers with ready rows, the same indexes and the same durability."""

import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.measure import RACE_HEADER, Race, Side, race, race_row, rate, table, timed, timed_async
from benchmarks.people import RawRow, import_file, raw_rows, ready_users, write_ndjson
from benchmarks.servers import lent, own_database
from domain.clock import now, to_milliseconds
from domain.users.model import User, to_document
from domain.users.mongo import MongoUserStore, open_mongo
from domain.users.mongo_database import MongoDatabase
from domain.users.sqlite import SqliteDatabase, SqliteUserStore
from domain.users.sqlite_connection import prepare
from domain.users.sqlite_schema import COLUMNS, to_row
from domain.users.store import UserStore, Write
from tests.servers.mongodb import MongoServer

TIMEOUT = timedelta(seconds=60)
Journal = tuple[str, int, int]


async def measure(count: int, *, embedded: bool, cluster: bool) -> None:
    """Print how fast rows become users, and users are written."""
    rows = raw_rows(count)
    users, validation = timed(lambda: ready_users(rows))
    documents, projection = timed(lambda: [to_document(user) for user in users])
    print(f"## Stores, {count:,} users\n")
    lines = [
        ("validation: row → user", rate(count, validation)),
        ("projection: user → document", rate(len(documents), projection)),
    ]
    print(table(("preparation", "rate"), lines))
    if embedded:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            _report("SQLite, executemany", await _sqlite(Path(folder), users))
            async with _sqlite_store(Path(folder) / "imported.db") as store:
                await _import(store, rows)
    if cluster:
        async with lent(MongoServer) as url:
            _report("MongoDB, insert_many", await _mongo(url, users))
        async with lent(MongoServer) as url, _mongo_database(url) as database:
            await _import(MongoUserStore(database), rows)


def _report(name: str, result: Race) -> None:
    print(table(RACE_HEADER, [race_row(name, result)]))


async def _import(store: UserStore, rows: Sequence[RawRow]) -> None:
    """The whole import of a file: read, look up, validate, write."""
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as file:
        write_ndjson(Path(file.name), rows)
        report, seconds = await timed_async(import_file(store, Path(file.name)))
    print(table(("end to end", "rate"), [("import of an NDJSON file", rate(report.rows, seconds))]))


async def _write(store: UserStore, users: Sequence[User]) -> None:
    results = await store.write_many([Write(user) for user in users])
    if not all(result is True for result in results):
        raise SystemExit("A write of the benchmark was refused.")


@asynccontextmanager
async def _sqlite_store(path: Path) -> AsyncIterator[UserStore]:
    async with SqliteDatabase.open(path, timeout=TIMEOUT) as database:
        yield SqliteUserStore(database)


async def _sqlite(folder: Path, users: Sequence[User]) -> Race:
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as connection:
        prepare(connection, timeout=TIMEOUT)
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        insert = f"INSERT INTO users ({names}) VALUES ({', '.join('?' * len(COLUMNS))})"
        at = to_milliseconds(now())

        async def write_raw(ready: Sequence[tuple[tuple[Any, ...], Journal]]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(insert, (row for row, _ in ready))
            connection.executemany(
                "INSERT INTO journal (id, version, at) VALUES (?, ?, ?)", (entry for _, entry in ready)
            )
            connection.execute("COMMIT")

        ready = [(to_row(user), (user.id, user.version, at)) for user in users]
        async with _sqlite_store(folder / "ours.db") as store:
            return await race(Side(users, lambda batch: _write(store, batch)), Side(ready, write_raw))


@asynccontextmanager
async def _mongo_database(url: str) -> AsyncIterator[MongoDatabase]:
    async with own_database(url) as name, open_mongo(url, name, timeout=TIMEOUT) as database:
        yield database


async def _mongo(url: str, users: Sequence[User]) -> Race:
    documents = [{"_id": document.pop("id"), **document} for document in map(to_document, users)]
    async with _mongo_database(url) as ours, _mongo_database(url) as raw:
        store = MongoUserStore(ours)

        async def write_raw(ready: Sequence[dict[str, Any]]) -> None:
            await raw.users.insert_many(ready, ordered=False)

        return await race(Side(users, lambda batch: _write(store, batch)), Side(documents, write_raw))
