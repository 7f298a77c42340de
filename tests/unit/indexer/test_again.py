"""Users delivered once more: what the store has now, and what becomes of their dead letters."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from domain.search.document import IndexEntry
from domain.search.index import Outcome, Result
from domain.users.model import Status, User
from domain.users.store import Write
from indexer.again import Again
from indexer.dead_letters import DeadLetter
from indexer.errors import KafkaUnavailable
from indexer.pipeline import MAX_AGE_SECONDS
from indexer.projection import Projection
from indexer.sinks.shared import SharedSink
from tests.contract.users.memory import MemoryDatabase, MemoryUserStore
from tests.contract.users.users import a_user
from tests.unit.indexer.fakes import NOON, FakeClock, FakeDeadLetters, FakeSink, user_id


def _project(user: User) -> dict[str, Any]:
    if user.display_name == "impossible":
        raise ValueError(user.display_name)
    return {"id": user.id, "version": user.version}


class Rig:
    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.database = MemoryDatabase()
        self.store = MemoryUserStore(self.database)
        self.sink = FakeSink()
        self.shared = SharedSink(self.sink)
        self.letters = FakeDeadLetters()
        self.again = Again(
            self.store, self.shared, self.letters, Projection("p", lambda: NOON, _project), monotonic=monotonic
        )

    async def create(self, **values: Any) -> User:
        user = a_user(**values)
        assert await self.store.write(Write(user))
        return user


async def test_the_store_is_read_again() -> None:
    rig = Rig()
    live, deleted = await rig.create(version=4), await rig.create(version=3, status=Status.DELETED)
    assert await rig.again.write({live.id: 1, deleted.id: 1, user_id(9): 5})
    assert rig.sink.writes == [
        [
            IndexEntry(live.id, 4, {"id": live.id, "version": 4}),
            IndexEntry(deleted.id, 3, None),
            IndexEntry(user_id(9), 6, None),
        ]
    ]


async def test_an_equal_version_is_written_and_a_newer_one_is_left() -> None:
    rig = Rig()
    equal, newer = await rig.create(), await rig.create()
    held = [IndexEntry(equal.id, 1, {"id": "spoilt"}), IndexEntry(newer.id, 2, {"id": newer.id})]
    await rig.sink.write(held)
    assert await rig.again.write({equal.id: 1, newer.id: 2})
    assert rig.sink.users == {equal.id: IndexEntry(equal.id, 1, {"id": equal.id, "version": 1}), newer.id: held[1]}


async def test_success_drops_the_letter_and_another_refusal_counts() -> None:
    rig = Rig()
    good, bad, impossible = await rig.create(), await rig.create(version=2), await rig.create(display_name="impossible")
    others = DeadLetter(user_id(5), 1, "p", "too long", 1, NOON)
    await rig.letters.add([replace(others, id=good.id), replace(others, id=bad.id, attempts=3), others])
    rig.sink.answers.append(lambda _: [Result(Outcome.APPLIED), Result(Outcome.REJECTED, "too deep")])
    assert await rig.again.write({good.id: 1, bad.id: 1, impossible.id: 1})
    assert [(letter.id, letter.version, letter.reason, letter.attempts) for letter in rig.letters.letters] == [
        (bad.id, 1, "too long", 3),
        (others.id, 1, "too long", 1),
        (impossible.id, 1, "no search document: ValueError", 1),
        (bad.id, 2, "too deep", 4),
    ]


async def test_what_is_busy_keeps_its_letter_and_is_asked_for_again() -> None:
    rig = Rig()
    busy, good = await rig.create(), await rig.create()
    await rig.letters.add([DeadLetter(user.id, 1, "p", "too long", 1, NOON) for user in (busy, good)])
    rig.sink.answers.append(lambda _: [Result(Outcome.BUSY), Result(Outcome.APPLIED)])
    assert not await rig.again.write({busy.id: 1, good.id: 1})
    assert [letter.id for letter in rig.letters.letters] == [busy.id]
    assert await rig.again.write({busy.id: 1, good.id: 1})
    assert rig.letters.letters == []


async def test_nobody_writes_a_newer_version_between_the_reading_and_the_writing() -> None:
    """A topic takes whatever comes last: an older version after a newer one would stay there."""
    rig = Rig()
    user = await rig.create()
    reading, go_on = asyncio.Event(), asyncio.Event()
    get = rig.store.get

    async def slow(ids: Sequence[str]) -> Any:
        found = await get(ids)
        reading.set()
        await go_on.wait()
        return found

    rig.store.get = slow  # type: ignore[method-assign]
    again = asyncio.create_task(rig.again.write({user.id: 1}))
    await reading.wait()
    newer = asyncio.create_task(rig.shared.write([IndexEntry(user.id, 2, {})]))
    for _ in range(20):
        await asyncio.sleep(0)
    assert rig.sink.writes == []
    go_on.set()
    await asyncio.gather(again, newer)
    assert [write[0].version for write in rig.sink.writes] == [1, 2]


async def test_a_sink_that_fails_changes_no_letter() -> None:
    rig = Rig()
    user = await rig.create()
    await rig.letters.add([DeadLetter(user.id, 1, "p", "too long", 1, NOON)])
    rig.sink.answers.append(KafkaUnavailable("x"))
    with pytest.raises(KafkaUnavailable):
        await rig.again.write({user.id: 1})
    assert len(rig.letters.letters) == 1
    assert await rig.again.write({user.id: 1})  # the turn was given back


async def test_a_document_that_is_no_user_gets_a_letter_and_the_others_are_written() -> None:
    rig = Rig()
    spoilt, good = await rig.create(version=3), await rig.create()
    del rig.database.documents[spoilt.id]["status"]
    assert await rig.again.write({spoilt.id: 1, good.id: 1})
    assert [entry.id for entry in rig.sink.writes[0]] == [good.id]
    (letter,) = rig.letters.letters
    assert (letter.id, letter.version, letter.reason) == (spoilt.id, 3, "unreadable: it has no status")


async def test_what_was_read_before_a_long_pause_is_read_again() -> None:
    clock = FakeClock()
    rig = Rig(clock)
    user = await rig.create()
    get, reads = rig.store.get, 0

    async def paused(ids: Sequence[str]) -> Mapping[str, User]:
        nonlocal reads
        reads += 1
        found = await get(ids)
        if reads == 1:
            clock.seconds += MAX_AGE_SECONDS + 1
            await rig.store.write(Write(replace(user, version=2), expected=1))
        return found

    rig.store.get = paused  # type: ignore[method-assign]
    assert await rig.again.write({user.id: 1})
    assert [entry.version for write in rig.sink.writes for entry in write] == [2]
