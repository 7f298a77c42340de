"""One SQLite file under locks, cancellations, failures and damage."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import BadInput, OutcomeUnknown, SettingsError, StoreUnavailable
from domain.users.sqlite import SqliteDatabase, SqliteUserStore
from domain.users.sqlite_database import READERS, Unconfirmed
from domain.users.sqlite_ledger import SqliteLedger
from domain.users.store import Write
from tests.contract.users.users import a_user

SHORT = timedelta(milliseconds=300)
SLOW_READ = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT max(i) FROM n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "users.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    async with SqliteDatabase.open(path, timeout=timedelta(seconds=30)) as database:
        yield database


@pytest.fixture
async def impatient(path: Path) -> AsyncIterator[SqliteDatabase]:
    async with SqliteDatabase.open(path, timeout=SHORT) as database:
        yield database


@asynccontextmanager
async def busy_writer(database: SqliteDatabase) -> AsyncIterator[None]:
    """Writes of the body wait until it ends."""
    started, release = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        started.set()
        release.wait()

    holding = asyncio.create_task(database.write(hold))
    try:
        await asyncio.to_thread(started.wait)
        yield
    finally:
        release.set()
        await holding


async def queued(*writes: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(write) for write in writes]
    await asyncio.sleep(0)
    return tasks


def insert(connection: sqlite3.Connection, key: str) -> int:
    return connection.execute("INSERT INTO ledger VALUES (?, '{}', 1)", (key,)).rowcount


def damage(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)


async def keys(database: SqliteDatabase) -> list[str]:
    return [entry.key for entry in await SqliteLedger(database).entries("", None, 100)]


async def test_files_are_private(database: SqliteDatabase, path: Path) -> None:
    await SqliteUserStore(database).write(Write(a_user()))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()} == dict.fromkeys(
        ("users.db", "users.db-shm", "users.db-wal"), "0o600"
    )


async def test_commits_are_on_disk(database: SqliteDatabase) -> None:
    def settings(connection: sqlite3.Connection) -> list[object]:
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    assert await database._writer.run(settings) == ["wal", 2]


async def test_several_may_open_a_new_file_at_once(path: Path) -> None:
    async def open_and_write(key: str) -> None:
        async with SqliteDatabase.open(path, timeout=timedelta(seconds=10)) as database:
            assert await SqliteLedger(database).write(key, {}, expected=0)

    await asyncio.gather(*(open_and_write(f"{n}") for n in range(6)))
    async with SqliteDatabase.open(path, timeout=timedelta(seconds=10)) as database:
        assert await keys(database) == ["0", "1", "2", "3", "4", "5"]


async def test_opening_waits_for_a_lock_on_a_new_file(path: Path) -> None:
    """Switching to WAL fails at once while another writes, whatever the busy timeout."""
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE other (id)")
    other.execute("BEGIN IMMEDIATE")

    async def opened() -> None:
        async with SqliteDatabase.open(path, timeout=timedelta(seconds=10)) as database:
            await SqliteUserStore(database).ping()

    opening = asyncio.create_task(opened())
    await asyncio.sleep(0.1)
    assert not opening.done()
    other.close()
    await opening


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    damage(path)
    with pytest.raises(SettingsError) as refused:
        async with SqliteDatabase.open(path, timeout=SHORT):
            pass
    assert refused.value.message == (
        "DATA_DIR has a users.db that is damaged or no SQLite database: restore it, or move it away."
    )


async def test_a_folder_that_is_none_is_refused(path: Path) -> None:
    path.parent.write_text("a file")
    with pytest.raises(SettingsError, match=r"^DATA_DIR is not usable, .*: make it a writable folder.$"):
        async with SqliteDatabase.open(path, timeout=SHORT):
            pass


async def test_a_file_that_another_keeps_locked_is_unavailable(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match=r"^Another process keeps .*users.db locked"):
        async with SqliteDatabase.open(path, timeout=timedelta(milliseconds=50)):
            pass
    other.close()


async def test_a_write_that_waits_for_a_lock_in_vain_is_not_made(impatient: SqliteDatabase, path: Path) -> None:
    store, user = SqliteUserStore(impatient), a_user()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable) as refused:
        await store.write(Write(user))
    assert type(refused.value) is StoreUnavailable
    assert await store.get([user.id]) == {}
    other.execute("ROLLBACK")
    other.close()
    assert await store.write(Write(a_user()))
    assert await store.get([user.id]) == {}


async def test_a_write_under_way_at_the_time_limit_has_an_unknown_outcome(
    impatient: SqliteDatabase,
) -> None:
    store, user = SqliteUserStore(impatient), a_user()
    await impatient._writer.run(lambda c: c.create_function("slow", 0, lambda: time.sleep(2 * SHORT.total_seconds())))
    await impatient._writer.run(
        lambda c: c.execute("CREATE TEMP TRIGGER slow AFTER INSERT ON users BEGIN SELECT slow(); END").close()
    )
    with pytest.raises(OutcomeUnknown) as unknown:
        await store.write(Write(user))
    assert unknown.value.id == user.id
    await impatient._writer.run(lambda c: c.execute("DROP TRIGGER slow").close())
    assert await store.get([user.id]) == {user.id: user}


async def test_writes_that_wait_share_a_commit(database: SqliteDatabase) -> None:
    statements: list[str] = []
    await database._writer.run(lambda c: c.set_trace_callback(statements.append))
    async with busy_writer(database):
        tasks = await queued(*(SqliteLedger(database).write(f"{n}", {}, expected=0) for n in range(50)))
    assert await asyncio.gather(*tasks) == [True] * 50
    assert statements.count("BEGIN IMMEDIATE") == statements.count("COMMIT") == 2


async def test_a_failed_write_undoes_itself_alone(database: SqliteDatabase) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        insert(connection, "undone")
        raise BadInput("no")

    def break_it(connection: sqlite3.Connection) -> None:
        insert(connection, "undone too")
        connection.execute("INSERT INTO nowhere VALUES (1)")

    async with busy_writer(database):
        tasks = await queued(
            database.write(lambda c: insert(c, "a")),
            database.write(fail),
            database.write(break_it),
            database.write(lambda c: insert(c, "b")),
        )
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [int, BadInput, StoreUnavailable, int]
    assert await keys(database) == ["a", "b"]


async def test_an_error_that_ends_the_transaction_fails_all_that_share_it(database: SqliteDatabase) -> None:
    def end_it(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT OR ROLLBACK INTO ledger SELECT * FROM ledger WHERE key = 'old'")

    await database.write(lambda c: insert(c, "old"))
    async with busy_writer(database):
        tasks = await queued(
            database.write(lambda c: insert(c, "a")),
            database.write(end_it),
            database.write(lambda c: insert(c, "b")),
        )
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * 3
    assert await keys(database) == ["old"]
    assert await database.write(lambda c: insert(c, "new")) == 1


async def test_a_commit_that_fails_is_unconfirmed(database: SqliteDatabase) -> None:
    """A deferred foreign key is an easy way to make COMMIT itself fail."""
    await database._writer.run(lambda c: c.execute("PRAGMA foreign_keys = ON").close())
    await database._writer.run(
        lambda c: c.executescript(
            "CREATE TABLE one (id INTEGER PRIMARY KEY);"
            "CREATE TABLE other (one REFERENCES one (id) DEFERRABLE INITIALLY DEFERRED);"
        ).close()
    )
    async with busy_writer(database):
        tasks = await queued(
            database.write(lambda c: insert(c, "a")),
            database.write(lambda c: c.execute("INSERT INTO other VALUES (7)").rowcount),
        )
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [Unconfirmed] * 2
    assert await keys(database) == []
    assert await database.write(lambda c: insert(c, "b")) == 1


async def test_a_cancelled_write_is_done_wholly_or_not_at_all(database: SqliteDatabase) -> None:
    store = SqliteUserStore(database)
    for n in range(30):
        users = [a_user() for _ in range(5)]
        task = asyncio.create_task(store.write_many([Write(user) for user in users]))
        await asyncio.sleep(n * 0.0001)
        task.cancel()
        await asyncio.wait([task])
        assert not await database._writer.run(lambda c: c.in_transaction)
        assert len(await store.get([user.id for user in users])) in (0, 5)
        assert not database._pending


async def test_a_write_cancelled_while_it_waits_is_not_made(database: SqliteDatabase) -> None:
    async with busy_writer(database):
        [task] = await queued(database.write(lambda c: insert(c, "cancelled")))
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()
    assert await database.write(lambda c: insert(c, "next")) == 1
    assert await keys(database) == ["next"]


async def test_a_read_ends_at_its_time_limit_and_frees_its_reader(impatient: SqliteDatabase) -> None:
    started = time.monotonic()
    slow = [impatient.read(lambda c: c.execute(SLOW_READ).fetchone()) for _ in range(READERS)]
    results = await asyncio.gather(*slow, return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * READERS
    for _ in range(2 * READERS):
        assert await keys(impatient) == []
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("delay", [0, 0.05])
async def test_a_cancelled_read_frees_its_reader(database: SqliteDatabase, delay: float) -> None:
    tasks = [asyncio.create_task(database.read(lambda c: c.execute(SLOW_READ).fetchone())) for _ in range(READERS)]
    await asyncio.sleep(delay)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert await keys(database) == []


async def test_reads_do_not_wait_for_a_write(database: SqliteDatabase) -> None:
    async with busy_writer(database):
        [task] = await queued(database.write(lambda c: insert(c, "a")))
        assert await keys(database) == []
        assert not task.done()
    await task
    assert await keys(database) == ["a"]


async def test_readers_cannot_write(database: SqliteDatabase) -> None:
    with pytest.raises(StoreUnavailable) as refused:
        await database.read(lambda c: insert(c, "a"))
    assert "readonly" in str(refused.value.__cause__)


async def test_a_closed_database_is_unavailable(path: Path) -> None:
    async with SqliteDatabase.open(path, timeout=SHORT) as database:
        store = SqliteUserStore(database)
    for answer in (store.ping(), store.write(Write(a_user()))):
        with pytest.raises(StoreUnavailable, match=r"^The user store is closed.$"):
            await answer


async def test_the_first_of_several_taken_values_is_told(database: SqliteDatabase) -> None:
    store = SqliteUserStore(database)
    await store.write_many([Write(a_user(username="ann")), Write(a_user(external_id="x", email="a@x.org"))])
    results = await store.write_many(
        [
            Write(a_user(username="Ann", external_id="x", email="a@x.org")),
            Write(a_user(username="Ann", email="A@x.org")),
            Write(a_user(email="A@x.org")),
        ]
    )
    assert [getattr(result, "field", None) for result in results] == ["externalId", "username", "email"]
