"""The contract of the change feed."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import PositionLost, UnreadableUser
from domain.users.editing import tombstone
from domain.users.feed import Change, FeedReader
from domain.users.model import User
from domain.users.mongo import MongoUserStore
from domain.users.sqlite import SqliteUserStore
from domain.users.store import Write
from tests.contract.users.conftest import Parts
from tests.contract.users.memory import MemoryUserStore
from tests.contract.users.users import T0, a_user


async def drain(reader: FeedReader, seen: dict[str, tuple[int, User | None]], limit: int = 100) -> str:
    """Read all that was acknowledged before; versions of one user never go back. The last position."""
    asked_at = time.monotonic()
    while True:
        assert time.monotonic() < asked_at + 60
        part = await reader.read(limit, 0.3)
        assert len(part.changes) <= limit
        assert len({change.id for change in part.changes}) == len(part.changes)
        for change in part.changes:
            assert change.version >= seen.get(change.id, (0, None))[0]
            seen[change.id] = (change.version, change.user)
        if (part.as_of or 0.0) >= asked_at:
            return part.position


def versions(seen: Mapping[str, tuple[int, User | None]]) -> dict[str, int]:
    return {id: version for id, (version, _) in seen.items()}


async def test_changes_are_told_from_a_position_on(parts: Parts) -> None:
    before = a_user()
    await parts.store.write(Write(before))
    start = await parts.feed.now()
    user, gone = a_user(given_name="A"), a_user()
    second = replace(user, version=2, given_name="B", write_id="second")
    await parts.store.write(Write(user))
    await parts.store.write(Write(second, expected=1))
    await parts.store.write(Write(gone))
    await parts.store.write(Write(tombstone(gone, write_id="t", at=T0), expected=1))
    seen: dict[str, tuple[int, User | None]] = {}
    async with parts.feed.follow(start) as reader:
        await drain(reader, seen)
    assert seen == {user.id: (2, second), gone.id: (2, None)}


async def test_reading_goes_on_where_it_stopped(parts: Parts) -> None:
    start = await parts.feed.now()
    users = [a_user() for _ in range(30)]
    await parts.store.write_many([Write(user) for user in users[:20]])
    seen: dict[str, tuple[int, User | None]] = {}
    async with parts.feed.follow(start) as reader:
        first = await reader.read(7, 5)
        assert 1 <= len(first.changes) <= 7
    await parts.store.write_many([Write(user) for user in users[20:]])
    async with parts.feed.follow(first.position) as reader:
        rest = await drain(reader, seen, limit=4)
    told = {change.id for change in first.changes}
    assert told | set(seen) == {user.id for user in users}
    assert not told & set(seen)
    again: dict[str, tuple[int, User | None]] = {}
    async with parts.feed.follow(rest) as reader:
        await drain(reader, again)
    assert again == {}


async def test_an_empty_read_waits_and_brings_a_position(parts: Parts) -> None:
    start = await parts.feed.now()
    async with parts.feed.follow(start) as reader:
        empty = await reader.read(10, 0.05)
        assert empty.changes == []
    user = a_user()
    await parts.store.write(Write(user))
    seen: dict[str, tuple[int, User | None]] = {}
    async with parts.feed.follow(empty.position) as reader:
        await drain(reader, seen)
    assert versions(seen) == {user.id: 1}


async def test_a_change_is_told_while_the_reader_waits(parts: Parts) -> None:
    async with parts.feed.follow(await parts.feed.now()) as reader:
        user = a_user()
        reading = asyncio.create_task(reader.read(10, 30))
        await asyncio.sleep(0.1)
        assert not reading.done()
        await parts.store.write(Write(user))
        part = await reading
        assert [(change.id, change.version, change.user) for change in part.changes] == [(user.id, 1, user)]


async def test_removed_tombstones_are_not_a_change(parts: Parts) -> None:
    user = a_user()
    await parts.store.write(Write(user))
    await parts.store.write(Write(tombstone(user, write_id="t", at=T0), expected=1))
    start = await parts.feed.now()
    await parts.store.remove_tombstones(T0.replace(year=2030), 10)
    seen: dict[str, tuple[int, User | None]] = {}
    async with parts.feed.follow(start) as reader:
        await drain(reader, seen)
    assert seen == {}


@pytest.mark.parametrize("position", ["", "garbage", '{"_data": "zz"}', "99999999999"])
async def test_a_position_that_is_none_is_lost(parts: Parts, position: str) -> None:
    with pytest.raises(PositionLost):
        async with parts.feed.follow(position) as reader:
            await reader.read(1, 0.1)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["edit", "delete", "read"])), max_size=25))
async def test_any_interleaving_ends_at_the_store(shared: Parts, steps: list[tuple[int, str]]) -> None:
    """Writers and a reader that stops and resumes anywhere: what was told last is what is stored."""
    position = await shared.feed.now()
    current: dict[int, User] = {}
    seen: dict[str, tuple[int, User | None]] = {}
    for number, step in steps:
        if step == "read":
            async with shared.feed.follow(position) as reader:
                part = await reader.read(3, 0.02)
            position = part.position
            for change in part.changes:
                assert change.version >= seen.get(change.id, (0, None))[0]
                seen[change.id] = (change.version, change.user)
            continue
        user = current.get(number)
        if user is None or user.deleted:
            current[number] = user = a_user()
            await shared.store.write(Write(user))
        elif step == "edit":
            current[number] = replace(user, version=user.version + 1, write_id=f"{user.id}{user.version}")
            assert await shared.store.write(Write(current[number], expected=user.version))
        else:
            current[number] = tombstone(user, write_id=f"{user.id}-t", at=T0)
            assert await shared.store.write(Write(current[number], expected=user.version))
    async with shared.feed.follow(position) as reader:
        await drain(reader, seen)
    for user in current.values():
        assert seen[user.id] == (user.version, None if user.deleted else user)


async def test_it_says_as_of_when_nothing_is_missing(parts: Parts) -> None:
    start = await parts.feed.now()
    seen: dict[str, tuple[int, User | None]] = {}
    async with parts.feed.follow(start) as reader:
        for number in range(3):
            users = [a_user() for _ in range(number + 1)]
            await parts.store.write_many([Write(user) for user in users])
            acknowledged_at = time.monotonic()
            as_of = 0.0
            while as_of < acknowledged_at:
                assert time.monotonic() < acknowledged_at + 60
                part = await reader.read(1, 0.1)
                seen |= {change.id: (change.version, change.user) for change in part.changes}
                as_of = part.as_of or as_of
            assert {user.id for user in users} <= seen.keys()


async def test_it_says_as_of_when_nothing_is_missing_to_a_reader_who_always_finds_more(parts: Parts) -> None:
    start = await parts.feed.now()
    wanted = a_user()
    seen: set[str] = set()
    stop = asyncio.Event()

    async def write_on() -> None:
        while not stop.is_set():
            await parts.store.write(Write(a_user()))

    async with parts.feed.follow(start) as reader, asyncio.TaskGroup() as group:
        group.create_task(write_on())
        await parts.store.write(Write(wanted))
        acknowledged_at = time.monotonic()
        as_of = 0.0
        while as_of < acknowledged_at:
            assert time.monotonic() < acknowledged_at + 20
            part = await reader.read(100, 0.5)
            seen |= {change.id for change in part.changes}
            as_of = part.as_of or as_of
        stop.set()
    assert wanted.id in seen


async def test_how_much_is_not_told_yet(parts: Parts) -> None:
    start = await parts.feed.now()
    async with parts.feed.follow(start) as reader:
        assert await reader.lag() == 0
        await parts.store.write_many([Write(a_user()) for _ in range(5)])
        end = time.monotonic() + 5
        while await reader.lag() != 5:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)
        first = await reader.read(2, 5)
        assert await reader.lag() == 5 - len(first.changes)
        await drain(reader, {})
        assert await reader.lag() == 0


async def test_a_user_with_an_older_time_is_not_behind(parts: Parts) -> None:
    """Writers' clocks differ."""
    async with parts.feed.follow(await parts.feed.now()) as reader:
        await parts.store.write(Write(a_user(updated_at=T0 + timedelta(hours=1))))
        await parts.store.write(Write(a_user(updated_at=T0)))
        seen: dict[str, tuple[int, User | None]] = {}
        await drain(reader, seen)
        assert len(seen) == 2
        assert await reader.lag() == 0


async def _spoil(parts: Parts, id: str) -> None:
    """Somebody writes a status that nobody knows."""
    store = parts.store
    if isinstance(store, MemoryUserStore):
        store._database.documents[id]["status"] = "LOCKED"
    elif isinstance(store, SqliteUserStore):

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE users SET status = 'LOCKED' WHERE id = ?", (id,))

        await store._database.write(write)
    elif isinstance(store, MongoUserStore):
        document = await store._users.find_one({"_id": id})
        assert document is not None
        await store._users.replace_one({"_id": id}, {**document, "status": "LOCKED"})


async def test_a_document_that_is_no_user_is_told_as_such(parts: Parts) -> None:
    start = await parts.feed.now()
    spoilt, good = a_user(), a_user()
    await parts.store.write(Write(spoilt))
    await _spoil(parts, spoilt.id)
    await parts.store.write(Write(good))
    told: dict[str, Change] = {}
    async with parts.feed.follow(start) as reader:
        while good.id not in told:
            told |= {change.id: change for change in (await reader.read(10, 5)).changes}
    assert (told[good.id].user, told[good.id].unreadable) == (good, "")
    assert (told[spoilt.id].version, told[spoilt.id].user) == (1, None)
    assert told[spoilt.id].unreadable == "a field is not as we write it: ValueError"
    with pytest.raises(UnreadableUser, match=spoilt.id):
        await parts.store.scan(None, 10)
