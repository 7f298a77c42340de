"""What is SQLite's own in its change feed: the journal, its bounds and its retention."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.clock import now, to_milliseconds
from domain.errors import PositionLost
from domain.users.editing import tombstone
from domain.users.sqlite import SqliteDatabase, SqliteUserStore
from domain.users.sqlite_feed import FORGOTTEN_A_WRITE, SqliteChangeFeed
from domain.users.store import Write
from tests.contract.users.users import T0, a_user

LATER = datetime(2126, 1, 1, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    async with SqliteDatabase.open(tmp_path / "users.db", timeout=timedelta(seconds=10)) as database:
        yield database


async def rows(database: SqliteDatabase) -> list[int]:
    return await database.read(lambda c: [row[0] for row in c.execute("SELECT seq FROM journal ORDER BY seq")])


async def test_positions_count_the_journal(database: SqliteDatabase) -> None:
    store, feed = SqliteUserStore(database), SqliteChangeFeed(database)
    assert await feed.now() == "0"
    await store.write_many([Write(a_user()) for _ in range(3)])
    assert await feed.now() == "3"
    assert not await store.write(Write(a_user(version=2), expected=1))
    assert await feed.now() == "3"


async def test_versions_of_one_user_are_told_once_as_of_now(database: SqliteDatabase) -> None:
    store, feed = SqliteUserStore(database), SqliteChangeFeed(database)
    ann, bob = a_user(), a_user()
    started = now()
    for write in (Write(ann), Write(bob), Write(replace(ann, version=2, write_id="2"), expected=1)):
        assert await store.write(write)
    async with feed.follow("0") as reader:
        part = await reader.read(2, 0)
        assert [(change.id, change.version) for change in part.changes] == [(ann.id, 2), (bob.id, 1)]
        assert all(started <= change.at <= now() for change in part.changes)
        assert part.position == "2"
        rest = await reader.read(2, 0)
        assert [(change.id, change.version) for change in rest.changes] == [(ann.id, 2)]
        assert rest.position == await feed.now()


async def test_a_swept_tombstone_is_told_as_the_deletion_it_was(database: SqliteDatabase) -> None:
    store, feed, user = SqliteUserStore(database), SqliteChangeFeed(database), a_user()
    await store.write(Write(user))
    await store.write(Write(tombstone(user, write_id="t", at=T0), expected=1))
    assert await store.remove_tombstones(LATER, 10) == 1
    async with feed.follow("0") as reader:
        part = await reader.read(10, 0)
    assert [(change.id, change.version, change.user) for change in part.changes] == [(user.id, 2, None)]
    assert part.position == "2"


async def test_a_waiting_reader_is_told_soon(database: SqliteDatabase) -> None:
    store, feed = SqliteUserStore(database), SqliteChangeFeed(database)
    async with feed.follow("0") as reader:
        waiting = asyncio.create_task(reader.read(10, 30))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await store.write(Write(a_user()))
        async with asyncio.timeout(5):
            assert len((await waiting).changes) == 1


async def test_only_old_changes_that_were_read_are_forgotten(database: SqliteDatabase) -> None:
    store = SqliteUserStore(database)
    await store.write_many([Write(a_user()) for _ in range(6)])
    young = SqliteChangeFeed(database)
    await young.forget("6")
    assert await rows(database) == [1, 2, 3, 4, 5, 6]
    old = SqliteChangeFeed(database, clock=lambda: LATER)
    await old.forget("4")
    assert await rows(database) == [5, 6]
    await database.write(
        lambda c: c.execute("UPDATE journal SET at = ? WHERE seq = 6", (to_milliseconds(LATER),)).rowcount
    )
    await old.forget("6")
    assert await rows(database) == [6]


async def test_a_position_before_what_is_kept_is_lost(database: SqliteDatabase) -> None:
    store, feed = SqliteUserStore(database), SqliteChangeFeed(database, clock=lambda: LATER)
    await store.write_many([Write(a_user()) for _ in range(3)])
    async with feed.follow("1") as reader:
        await feed.forget("2")
        with pytest.raises(PositionLost) as lost:
            await reader.read(10, 0)
    assert lost.value.reason == "the changes after it are no longer kept"
    async with feed.follow("2") as reader:
        assert len((await reader.read(10, 0)).changes) == 1
    await feed.forget("3")
    with pytest.raises(PositionLost):
        async with feed.follow("2"):
            pass
    async with feed.follow("3") as reader:
        assert (await reader.read(10, 0)).changes == []
        await store.write(Write(a_user()))
        assert (await reader.read(10, 0)).position == "4"


async def test_a_long_journal_is_forgotten_in_parts(database: SqliteDatabase) -> None:
    count = 2 * FORGOTTEN_A_WRITE + 5
    await database.write(
        lambda c: (
            c.executemany(
                "INSERT INTO journal (id, version, at) VALUES ('x', ?, 0)", ((n,) for n in range(count))
            ).rowcount
        )
    )
    await SqliteChangeFeed(database).forget(f"{count - 1}")
    assert await rows(database) == [count]
