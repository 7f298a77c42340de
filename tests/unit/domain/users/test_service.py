"""The use cases: versions, races, and writes whose outcome is unknown."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput, Conflict, NotFound, NotUnique, OutcomeUnknown, StoreUnavailable
from domain.users.importing import MAX_ROUNDS, RowOutcome
from domain.users.model import Status
from domain.users.service import MAX_BATCH, UserService
from domain.users.store import Write
from tests.contract.users.memory import MemoryDatabase, MemoryUserStore
from tests.contract.users.users import T0

UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


class FaultyStore(MemoryUserStore):
    """Before or after each write, what a test places there."""

    def __init__(self, database: MemoryDatabase) -> None:
        super().__init__(database)
        self.before: list[Callable[[Write], Any]] = []
        self.lose_answer: list[bool] = []

    async def write(self, write: Write) -> bool:
        if self.before:
            await self.before.pop(0)(write)
        if self.lose_answer:
            if self.lose_answer.pop(0):
                await super().write(write)
            raise OutcomeUnknown(write.user.id)
        return await super().write(write)


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore(MemoryDatabase())


@pytest.fixture
def service(store: FaultyStore) -> UserService:
    return UserService(store)


async def test_a_user_through_its_life(service: UserService) -> None:
    user = await service.create({"username": "ann", "email": "ann@example.org"})
    assert (await service.get([user.id]))[user.id] == user
    assert await service.find("email", "ANN@example.org") == user
    user = await service.update(user.id, {"givenName": "Ann"}, expected_version=1)
    assert (user.version, user.given_name) == (2, "Ann")
    user = await service.suspend(user.id)
    assert (user.version, user.status) == (3, Status.SUSPENDED)
    assert await service.suspend(user.id) == user
    user = await service.reactivate(user.id)
    assert (user.version, user.status) == (4, Status.ACTIVE)
    gone = await service.delete(user.id, expected_version=4)
    assert (gone.version, gone.deleted, gone.username) == (5, True, None)
    assert await service.get([user.id]) == {}
    for command in (service.suspend, service.reactivate, service.delete):
        with pytest.raises(NotFound, match=f"There is no user {user.id}."):
            await command(user.id)


async def test_what_is_not_there(service: UserService) -> None:
    assert await service.get([UNKNOWN]) == {}
    assert await service.find("username", "nobody") is None
    with pytest.raises(NotFound):
        await service.update(UNKNOWN, {"givenName": "A"})
    with pytest.raises(BadInput, match="id must be a ULID"):
        await service.get(["nonsense"])
    with pytest.raises(BadInput, match="Users cannot be found by 'phone'"):
        await service.find("phone", "1")
    for value in ("x" * 257, "\ud800", "a\0"):
        with pytest.raises(BadInput, match="username cannot have this value"):
            await service.find("username", value)


@pytest.mark.parametrize("expected", [0, 2, -1, 10**12])
async def test_versions_of_the_past_and_the_future_conflict(service: UserService, expected: int) -> None:
    user = await service.create({"username": "ann"})
    with pytest.raises(Conflict) as refused:
        await service.update(user.id, {"givenName": "A"}, expected_version=expected)
    assert str(refused.value) == (
        f"User {user.id} is at version 1, not {expected}: read it again and repeat the change."
    )


async def test_duplicates_are_refused_and_nothing_is_written(service: UserService) -> None:
    await service.create({"username": "Ann"})
    with pytest.raises(NotUnique):
        await service.create({"username": "aNN"})
    bob = await service.create({"username": "bob"})
    with pytest.raises(NotUnique):
        await service.update(bob.id, {"username": "ANN", "givenName": "B"})
    assert (await service.get([bob.id]))[bob.id] == bob


async def test_a_lost_race_is_repeated(store: FaultyStore, service: UserService) -> None:
    user = await service.create({"username": "ann"})

    async def overtake(_: Write) -> None:
        await UserService(MemoryUserStore(store._database)).update(user.id, {"familyName": "Lee"})

    store.before = [overtake]
    changed = await service.update(user.id, {"givenName": "Ann"})
    assert (changed.version, changed.given_name, changed.family_name) == (3, "Ann", "Lee")


async def test_a_lost_race_is_a_conflict_for_who_expects_a_version(store: FaultyStore, service: UserService) -> None:
    user = await service.create({"username": "ann"})

    async def overtake(_: Write) -> None:
        await UserService(MemoryUserStore(store._database)).update(user.id, {"familyName": "Lee"})

    store.before = [overtake]
    with pytest.raises(Conflict, match="is at version 2, not 1"):
        await service.update(user.id, {"givenName": "Ann"}, expected_version=1)


@pytest.mark.parametrize("arrived", [True, False])
async def test_an_unknown_outcome_is_settled_by_reading(
    store: FaultyStore, service: UserService, arrived: bool
) -> None:
    store.lose_answer = [arrived]
    user = await service.create({"username": "ann"})
    store.lose_answer = [arrived]
    changed = await service.update(user.id, {"givenName": "Ann"})
    assert changed.version == 2
    assert await service.get([user.id]) == {user.id: changed}


async def test_an_unknown_outcome_that_was_overtaken_stays_unknown(store: FaultyStore, service: UserService) -> None:
    user = await service.create({"username": "ann"})

    async def overtake(_: Write) -> None:
        other = UserService(MemoryUserStore(store._database))
        await other.update(user.id, {"familyName": "Lee"})

    store.before, store.lose_answer = [overtake], [False]
    with pytest.raises(OutcomeUnknown, match=f"did not confirm the write of user {user.id}"):
        await service.update(user.id, {"givenName": "Ann"})


async def test_a_repeated_insert_of_the_driver_is_our_own(store: FaultyStore, service: UserService) -> None:
    store.before = [super(FaultyStore, store).write]
    user = await service.create({"username": "ann"})
    assert await service.get([user.id]) == {user.id: user}


async def test_an_insert_that_arrives_while_it_is_settled_is_our_own(store: FaultyStore, service: UserService) -> None:
    async def fail(_: Write) -> None:
        pass

    store.before, store.lose_answer = [fail, super(FaultyStore, store).write], [False]
    user = await service.create({"username": "ann"})
    assert await service.get([user.id]) == {user.id: user}


async def test_endless_races_end(store: FaultyStore, service: UserService) -> None:
    user = await service.create({"username": "ann"})
    count = iter(range(1000))

    async def overtake(_: Write) -> None:
        other = UserService(MemoryUserStore(store._database))
        await other.update(user.id, {"familyName": f"Lee {next(count)}"})

    store.before = [overtake] * 100
    with pytest.raises(StoreUnavailable, match="is changed by others all the time"):
        await service.update(user.id, {"givenName": "Ann"})


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=20))
async def test_interleaved_writers_lose_nothing(turns: list[int]) -> None:
    """Each writer adds its own attribute; whatever the interleaving of reads and writes, all are there."""

    delays = itertools.cycle(turns)

    class Slow(MemoryUserStore):
        async def get(self, ids: Any) -> Any:
            found = await super().get(ids)
            for _ in range(next(delays)):
                await asyncio.sleep(0)
            return found

    service = UserService(Slow(MemoryDatabase()))
    user = await service.create({"username": "ann"})
    await asyncio.gather(*(service.update(user.id, {"attributes": {f"k{turn}": n}}) for n, turn in enumerate(turns)))
    stored = (await service.get([user.id]))[user.id]
    assert set(stored.attributes) == {f"k{turn}" for turn in turns}
    assert stored.version == 1 + len(turns)


async def test_tombstones_expire_after_the_retention(store: FaultyStore) -> None:
    time = [T0]

    def clock() -> datetime:
        return time[0]

    service = UserService(store, clock=clock)
    users = [await service.create({"username": f"u{n}"}) for n in range(3)]
    await service.delete(users[0].id)
    time[0] += timedelta(days=20)
    await service.delete(users[1].id)
    time[0] += timedelta(days=11)
    assert await service.expire_tombstones(timedelta(days=30)) == 1
    assert set(await store.get([user.id for user in users])) == {users[1].id, users[2].id}


async def test_tombstones_expire_in_rounds(service: UserService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.users.service.TOMBSTONES_A_ROUND", 2)
    for n in range(5):
        await service.delete((await service.create({"username": f"u{n}"})).id)
    assert await service.expire_tombstones(timedelta(seconds=-1)) == 5


async def test_rows_are_imported_once(service: UserService) -> None:
    rows: list[dict[str, Any]] = [
        {"externalId": "1", "username": "ann", "givenName": "Ann"},
        {"externalId": "2", "username": "ANN"},
        {"externalId": "3", "username": "bob", "phone": "no"},
        {"username": "zoe"},
        {"externalId": "1", "username": "ann"},
        {"externalId": "4", "username": "eve", "email": None},
        {"externalId": "\ud800", "username": "x"},
    ]
    first = await service.import_rows(rows, by="externalId")
    R = RowOutcome  # noqa: N806 (short for the table)
    assert [row.outcome for row in first] == [
        R.CREATED,
        R.REJECTED,
        R.REJECTED,
        R.REJECTED,
        R.UNCHANGED,
        R.CREATED,
        R.REJECTED,
    ]
    assert [row.error.field if row.error else None for row in first] == [
        None, "username", "phone", "externalId", None, None, "externalId",
    ]  # fmt: skip
    second = await service.import_rows(
        [rows[0], {"externalId": "4", "username": "eve", "givenName": "E"}], by="externalId"
    )
    assert [row.outcome for row in second] == [R.UNCHANGED, R.UPDATED]
    user = second[1].user
    assert user is not None
    assert (user.version, user.given_name) == (2, "E")


async def test_of_rows_with_the_same_key_the_later_wins(service: UserService) -> None:
    rows = [{"username": name, "givenName": str(n)} for n, name in enumerate(["ann", "bob", "ANN", "bob", "ann"])]
    for dry_run in (True, False):
        results = await service.import_rows(rows, by="username", dry_run=dry_run)
        assert [row.outcome.value for row in results] == ["created", "created", "updated", "updated", "updated"]
    for name, last in (("ann", "4"), ("bob", "3")):
        user = await service.find("username", name)
        assert user is not None
        assert user.given_name == last


async def test_rows_without_an_external_id_are_matched_by_username(service: UserService) -> None:
    await service.create({"username": "ann", "externalId": "1"})
    rows: list[dict[str, Any]] = [
        {"externalId": "1", "givenName": "A"},
        {"externalId": None, "username": "Ann", "familyName": "Lee"},
        {"username": "bob"},
        {"givenName": "nobody"},
    ]
    results = await service.import_rows(rows, by=None)
    assert [row.outcome.value for row in results] == ["updated", "updated", "created", "rejected"]
    ann = await service.find("externalId", "1")
    assert ann is not None
    assert (ann.version, ann.given_name, ann.family_name) == (3, "A", "Lee")


async def test_a_status_is_imported(service: UserService) -> None:
    rows: list[dict[str, Any]] = [{"username": "ann", "status": "SUSPENDED"}, {"username": "bob", "status": None}]
    made = await service.import_rows(rows, by=None)
    assert [row.user.status.value if row.user else None for row in made] == ["SUSPENDED", "ACTIVE"]
    rows = [{"username": "ann", "status": "ACTIVE", "givenName": "A"}, {"username": "bob", "status": "DELETED"}]
    again = await service.import_rows(rows, by=None)
    assert again[0].user is not None
    assert (again[0].user.status, again[0].user.version) == (Status.ACTIVE, 2)
    assert again[1].error is not None
    assert str(again[1].error).startswith("status must be ACTIVE or SUSPENDED")


async def test_a_row_whose_user_came_to_be_meanwhile_is_decided_again(store: FaultyStore, service: UserService) -> None:
    async def overtake(_: Write) -> None:
        await UserService(MemoryUserStore(store._database)).create({"username": "ann", "familyName": "Lee"})

    store.before = [overtake]
    [row] = await service.import_rows([{"username": "Ann", "givenName": "A"}], by="username")
    assert row.user is not None
    assert (row.outcome, row.user.family_name, row.user.given_name) == (RowOutcome.UPDATED, "Lee", "A")


def _overtaking(store: FaultyStore, id: str) -> Callable[[Write], Any]:
    names = itertools.count()

    async def overtake(_: Write) -> None:
        await UserService(MemoryUserStore(store._database)).update(id, {"familyName": f"Lee {next(names)}"})

    return overtake


async def test_a_row_whose_write_was_overtaken_is_decided_again(store: FaultyStore, service: UserService) -> None:
    user = await service.create({"username": "ann"})
    store.before = [_overtaking(store, user.id)]
    [row] = await service.import_rows([{"username": "ann", "givenName": "A"}], by="username")
    assert row.user is not None
    assert (row.outcome, row.user.version) == (RowOutcome.UPDATED, 3)
    assert (row.user.family_name, row.user.given_name) == ("Lee 0", "A")


async def test_a_row_whose_write_arrived_without_an_answer_is_unchanged(
    store: FaultyStore, service: UserService
) -> None:
    await service.create({"username": "ann"})
    store.lose_answer = [True]
    [row] = await service.import_rows([{"username": "ann", "givenName": "A"}], by="username")
    assert row.user is not None
    assert (row.outcome, row.user.version, row.user.given_name) == (RowOutcome.UNCHANGED, 2, "A")


async def test_a_row_that_is_always_overtaken_is_rejected(store: FaultyStore, service: UserService) -> None:
    user = await service.create({"username": "ann"})
    store.before = [_overtaking(store, user.id)] * MAX_ROUNDS
    [row] = await service.import_rows([{"username": "ann", "givenName": "A"}], by="username")
    assert row.outcome is RowOutcome.REJECTED
    assert str(row.error) == "The write did not settle: import this row again."


async def test_an_insert_that_the_driver_repeated_is_not_rejected(store: FaultyStore, service: UserService) -> None:
    store.before = [super(FaultyStore, store).write]
    [row] = await service.import_rows([{"username": "ann"}], by="username")
    assert row.error is None
    assert await service.find("username", "ann") == row.user


async def test_rows_are_matched_by_username_too_and_a_dry_run_writes_nothing(service: UserService) -> None:
    await service.create({"username": "Ann"})
    rows: list[dict[str, Any]] = [{"username": "ann", "givenName": "A"}, {"username": "bob"}]
    results = await service.import_rows(rows, by="username", dry_run=True)
    assert [row.outcome for row in results] == [RowOutcome.UPDATED, RowOutcome.CREATED]
    assert await service.find("username", "bob") is None


async def test_an_import_has_bounds(service: UserService) -> None:
    with pytest.raises(BadInput, match="At most 1000 rows"):
        await service.import_rows([{}] * (MAX_BATCH + 1), by="username")
    with pytest.raises(BadInput, match="Rows are matched by externalId or username, not by 'email'"):
        await service.import_rows([{}], by="email")
