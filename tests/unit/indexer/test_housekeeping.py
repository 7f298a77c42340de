"""What is done every hour, on SQLite, by a clock that jumps; and by nobody who has not the lease."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain.backends import StoreBackend, open_store
from domain.clock import now
from domain.errors import StoreUnavailable
from domain.settings import Settings
from domain.users.service import UserService
from domain.users.sqlite import SqliteDatabase, SqliteUserStore
from domain.users.sqlite_feed import SqliteChangeFeed
from domain.users.sqlite_ledger import SqliteLedger
from indexer.dead_letters import DeadLetter, LedgerDeadLetters
from indexer.housekeeping import HOUR_SECONDS, keep_house
from indexer.lease import Lease, Term
from indexer.pairs import EMBEDDED
from indexer.pipelines import Builder
from indexer.status import State, Status

RETENTION = timedelta(hours=3)


@dataclass
class House:
    """A store whose clock moves only while the housekeeping sleeps."""

    database: SqliteDatabase
    time: datetime = field(default_factory=now)  # the journal's rows are dated by the real clock
    backend: StoreBackend = field(init=False)

    def __post_init__(self) -> None:
        store, feed = SqliteUserStore(self.database), SqliteChangeFeed(self.database, keep=RETENTION, clock=self.clock)
        self.backend = StoreBackend(store, feed, SqliteLedger(self.database), UserService(store, clock=self.clock))

    def clock(self) -> datetime:
        return self.time

    async def term(self) -> Term:
        term = await Lease(self.backend.ledger, "a-to-b", holder="me", duration=timedelta(minutes=1)).attempt()
        assert term is not None
        return term

    async def keep(self, term: Term, hours: int) -> None:
        """Keep house from now on until `hours` later."""
        until = self.time + timedelta(hours=hours)

        async def sleep(seconds: float) -> None:
            assert seconds == HOUR_SECONDS
            if self.time >= until:
                raise asyncio.CancelledError
            self.time += timedelta(seconds=seconds)

        with contextlib.suppress(asyncio.CancelledError):
            await keep_house(self.backend, term, LedgerDeadLetters(self.backend.ledger), RETENTION, sleep=sleep)

    async def ids(self) -> list[str]:
        return await self.database.read(lambda c: [row[0] for row in c.execute("SELECT id FROM users ORDER BY id")])

    async def journal(self) -> list[int]:
        return await self.database.read(lambda c: [row[0] for row in c.execute("SELECT seq FROM journal ORDER BY seq")])


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with SqliteDatabase.open(tmp_path / "users.db", timeout=timedelta(seconds=10)) as database:
        yield House(database)


async def test_a_tombstone_is_removed_once_its_retention_is_over(house: House) -> None:
    kept, deleted = [await house.backend.users.create({"username": name}) for name in ("kept", "deleted")]
    await house.backend.users.delete(deleted.id)
    term = await house.term()
    await house.keep(term, hours=3)
    assert await house.ids() == sorted([kept.id, deleted.id])
    await house.keep(term, hours=1)
    assert await house.ids() == [kept.id]


async def test_the_journal_is_forgotten_up_to_what_is_delivered(house: House) -> None:
    for number in range(4):
        await house.backend.users.create({"username": f"user{number}"})
    term = await house.term()
    await house.keep(term, hours=5)
    assert await house.journal() == [1, 2, 3, 4]
    await term.commit("3")
    await house.keep(term, hours=0)
    assert await house.journal() == [4]


async def test_a_young_journal_is_kept_though_delivered(house: House) -> None:
    await house.backend.users.create({"username": "user"})
    term = await house.term()
    await term.commit("1")
    await house.keep(term, hours=2)
    assert await house.journal() == [1]


async def test_the_dead_letters_of_deleted_users_are_dropped(house: House) -> None:
    live, deleted, gone = [await house.backend.users.create({"username": name}) for name in ("live", "deleted", "gone")]
    await house.backend.users.delete(gone.id)
    assert await house.backend.store.remove_tombstones(now() + timedelta(hours=1), 10) == 1
    letters = LedgerDeadLetters(house.backend.ledger)
    made = [DeadLetter(user.id, 1, "a-to-b", "too long", 1, house.time) for user in (live, deleted, gone)]
    await letters.add([*made, DeadLetter("", 0, "users/0/1", "not JSON", 1, house.time)])
    await house.backend.users.delete(deleted.id)
    await house.keep(await house.term(), hours=0)
    assert [letter.key for letter in await letters.page(None, 10)] == [live.id, "users/0/1"]


async def test_a_store_that_does_not_answer_is_asked_again_an_hour_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await house.backend.users.create({"username": "deleted"})
    await house.backend.users.delete(user.id)
    term, remove = await house.term(), house.backend.store.remove_tombstones
    attempts: list[datetime] = []

    async def fail_at_first(before: datetime, limit: int) -> int:
        attempts.append(before)
        if len(attempts) < 6:
            raise StoreUnavailable
        return await remove(before, limit)

    monkeypatch.setattr(house.backend.store, "remove_tombstones", fail_at_first)
    with capture_logs() as logs:
        await house.keep(term, hours=5)
    assert await house.ids() == []
    assert [line["event"] for line in logs] == ["housekeeping failed"] * 5 + ["tombstones removed"]


async def test_who_stands_by_removes_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, tombstone_retention=timedelta(0), lease_duration=timedelta(seconds=1))
    stop = asyncio.Event()
    async with open_store(settings) as backend:
        user = await backend.users.create({"username": "deleted"})
        await backend.users.delete(user.id)
        other = await Lease(
            backend.ledger, EMBEDDED.name, holder="another process", duration=settings.lease_duration
        ).attempt()
        assert other is not None
        status = Status(EMBEDDED.name)
        session = Builder(settings, backend, stop).sessions(EMBEDDED, status)
        running = asyncio.ensure_future(session())
        keeping = asyncio.create_task(other.keep())
        await asyncio.sleep(1.5)
        assert status.state is State.STANDBY
        assert user.id in await backend.store.get([user.id])
        keeping.cancel()
        await other.release()
        for _ in range(500):
            if user.id not in await backend.store.get([user.id]):
                break
            await asyncio.sleep(0.02)
        assert user.id not in await backend.store.get([user.id])
        stop.set()
        await running
