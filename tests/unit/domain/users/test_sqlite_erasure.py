"""What a deleted user leaves in SQLite's files: nothing personal, and for a while the id in the journal."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.clock import now
from domain.users.editing import tombstone
from domain.users.sqlite import SqliteDatabase, SqliteUserStore
from domain.users.sqlite_feed import KEEP, SqliteChangeFeed
from domain.users.store import Write
from tests.contract.users.users import a_user

SECRET = "zaphod-the-unforgettable"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    async with SqliteDatabase.open(tmp_path / "users.db", timeout=timedelta(seconds=10)) as database:
        yield database


def _traces(folder: Path) -> list[str]:
    """The files in which the secret can be found."""
    return sorted(path.name for path in folder.glob("users.db*") if SECRET.encode() in path.read_bytes())


async def test_the_bytes_of_a_deleted_user_are_overwritten(database: SqliteDatabase, tmp_path: Path) -> None:
    store, feed = SqliteUserStore(database), SqliteChangeFeed(database)
    large = {"notes": [SECRET] * 500}
    users = [a_user(username=f"{SECRET}{n}", display_name=SECRET, attributes=large) for n in range(20)]
    await store.write_many([Write(user) for user in users])
    assert await database.empty_log()
    assert _traces(tmp_path) == ["users.db"]
    await store.write_many([Write(tombstone(user, write_id="d", at=now()), expected=1) for user in users])
    await feed.forget("0")
    assert _traces(tmp_path) == []


async def test_a_log_that_is_being_read_is_emptied_another_time(tmp_path: Path) -> None:
    async with SqliteDatabase.open(tmp_path / "users.db", timeout=timedelta(milliseconds=50)) as database:
        await SqliteUserStore(database).write(Write(a_user()))
        reader = await database._readers.get()
        await reader.run(lambda c: c.execute("BEGIN").execute("SELECT count(*) FROM users").fetchone())
        assert not await database.empty_log()
        await reader.run(lambda c: c.execute("ROLLBACK").close())
        database._readers.put_nowait(reader)
        assert await database.empty_log()
        assert (tmp_path / "users.db-wal").stat().st_size == 0


async def test_the_journal_tells_until_when_it_has_the_id(database: SqliteDatabase) -> None:
    user, started = a_user(), now()
    feed = SqliteChangeFeed(database)
    assert await feed.kept_until(user.id) is None
    await SqliteUserStore(database).write(Write(user))
    kept = await feed.kept_until(user.id)
    assert kept is not None
    assert started + KEEP <= kept <= now() + KEEP
