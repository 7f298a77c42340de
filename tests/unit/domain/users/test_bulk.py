"""Long imports, and exports that are read back."""

import io
from collections.abc import Iterator, Sequence

import orjson
import pytest
import stamina

from domain.errors import BadInput, OutcomeUnknown, ServiceError, StoreUnavailable
from domain.users import exporting
from domain.users.bulk import ATTEMPTS, MAX_REASONS, import_all
from domain.users.importing import RowOutcome
from domain.users.model import Status
from domain.users.rows import MAX_LINE, Row, read_rows
from domain.users.sample import sample_users
from domain.users.service import MAX_BATCH, UserService
from domain.users.store import Write
from tests.contract.users.memory import MemoryDatabase, MemoryUserStore


class FailingStore(MemoryUserStore):
    """Does not answer the first `failures` bulk writes."""

    failures = 0

    async def write_many(self, writes: Sequence[Write]) -> Sequence[bool | ServiceError]:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        return await super().write_many(writes)


@pytest.fixture
def store() -> FailingStore:
    return FailingStore(MemoryDatabase())


def sample(count: int) -> list[Row]:
    return [Row(line, f"row {line}", values) for line, values in enumerate(sample_users(count), 2)]


async def test_rows_of_many_batches_are_imported_and_counted(store: FailingStore) -> None:
    seen: list[int] = []
    report = await import_all(
        UserService(store), sample(2500), by=None, reject=print, advance=lambda report: seen.append(report.rows)
    )
    assert (report.rows, report.outcomes) == (2500, {RowOutcome.CREATED: 2500})
    assert seen == [1000, 2000, 2500]
    again = await import_all(UserService(store), sample(2500), by=None, reject=print)
    assert again.outcomes == {RowOutcome.UNCHANGED: 2500}


async def test_rejected_rows_are_told_with_line_and_reason(store: FailingStore) -> None:
    lines: list[bytes] = []
    content = "externalId,username,phone\n1,ann,\n2,ann,\n3,bob,no\n4\n"
    report = await import_all(
        UserService(store), read_rows(io.BytesIO(content.encode()), "x.csv"), by=None, reject=lines.append
    )
    assert (report.rows, report.rejected) == (4, 3)
    told = [orjson.loads(line) for line in lines]
    assert [(entry["line"], entry["field"], entry["row"]) for entry in told] == [
        (3, "username", "2,ann,"),
        (4, "phone", "3,bob,no"),
        (5, None, "4"),
    ]
    assert told[0]["reason"] == "Another user has this username: choose another one."


async def test_short_outages_are_waited_out_and_long_ones_end_it(store: FailingStore) -> None:
    with stamina.set_testing(True, attempts=ATTEMPTS):
        store.failures = ATTEMPTS - 1
        report = await import_all(UserService(store), sample(10), by=None, reject=print)
        assert report.outcomes == {RowOutcome.CREATED: 10}
        store.failures = ATTEMPTS
        with pytest.raises(StoreUnavailable):
            await import_all(UserService(store), [Row(2, "", {"username": "x"})], by="username", reject=print)


async def test_writes_that_stay_unconfirmed_end_an_import_and_reject_nothing(store: FailingStore) -> None:
    class Unconfirming(MemoryUserStore):
        async def write_many(self, writes: Sequence[Write]) -> Sequence[bool | ServiceError]:
            return [OutcomeUnknown(write.user.id) for write in writes]

    lines: list[bytes] = []
    with stamina.set_testing(True, attempts=2), pytest.raises(StoreUnavailable):
        await import_all(UserService(Unconfirming(MemoryDatabase())), sample(3), by=None, reject=lines.append)
    assert lines == []


@pytest.mark.parametrize("apart", [10, 1_500])
async def test_the_later_row_of_a_user_wins_wherever_it_is(store: FailingStore, apart: int) -> None:
    rows = [Row(n, "", {"username": "ann" if n % apart == 0 else f"u{n}", "givenName": str(n)}) for n in range(1_501)]
    report = await import_all(UserService(store), rows, by=None, reject=print)
    assert report.rejected == 0
    ann = await UserService(store).find("username", "ann")
    assert ann is not None
    assert ann.given_name == "1500"


async def test_unreadable_rows_do_not_settle_by_what_the_others_are_matched(store: FailingStore) -> None:
    await import_all(UserService(store), [Row(1, "", {"username": "ann", "externalId": "1"})], by=None, reject=print)
    rows = [Row(n, "", {}, BadInput("unreadable")) for n in range(MAX_BATCH)]
    rows.append(Row(MAX_BATCH, "", {"externalId": "1", "username": "anna"}))
    report = await import_all(UserService(store), rows, by=None, reject=lambda _: None)
    assert report.outcomes == {RowOutcome.REJECTED: MAX_BATCH, RowOutcome.UPDATED: 1}


async def test_an_import_holds_little_at_a_time(store: FailingStore) -> None:
    read: list[int] = []

    def rows() -> Iterator[Row]:
        for number in range(20):
            read.append(number)
            yield Row(number, "x" * MAX_LINE, {"username": f"u{number}"})

    ahead: list[int] = []
    await import_all(
        UserService(store), rows(), by=None, reject=print, advance=lambda report: ahead.append(len(read) - report.rows)
    )
    assert ahead == [0] * 10


async def test_reasons_are_counted_up_to_a_limit(store: FailingStore) -> None:
    rows = [Row(n, "", {}, BadInput(f"reason {n % (2 * MAX_REASONS)}")) for n in range(4 * MAX_REASONS)]
    report = await import_all(UserService(store), rows, by=None, reject=lambda _: None)
    assert (len(report.reasons), report.rejected) == (MAX_REASONS, 4 * MAX_REASONS)
    assert set(report.reasons.values()) == {2}


async def test_what_is_awkward_in_a_file_comes_back_too(store: FailingStore) -> None:
    values = {"username": "ann", "roles": ["viewer|admin", "[x]"], "status": "SUSPENDED", "attributes": {"a": [1, {}]}}
    await import_all(UserService(store), [Row(1, "", values)], by=None, reject=print)
    for name, start, to_line in (
        ("users.csv", exporting.csv_header(), exporting.to_csv),
        ("users.ndjson", b"", exporting.to_ndjson),
    ):
        content = start + b"".join([to_line(user) async for users in exporting.in_batches(store) for user in users])
        there = MemoryUserStore(MemoryDatabase())
        report = await import_all(UserService(there), read_rows(io.BytesIO(content), name), by=None, reject=print)
        assert report.ignored == {"id", "version", "createdAt", "updatedAt", "statusChangedAt"}
        [user] = await there.scan(None, 10)
        assert (user.roles, user.status, user.attributes) == (
            ("[x]", "viewer|admin"),
            Status.SUSPENDED,
            values["attributes"],
        )


@pytest.mark.parametrize("name", ["users.csv", "users.ndjson"])
async def test_an_export_is_read_back_as_the_same_users(store: FailingStore, name: str) -> None:
    await import_all(UserService(store), sample(300), by=None, reject=print)
    to_line = exporting.to_csv if name.endswith("csv") else exporting.to_ndjson
    content = b"" if name.endswith("ndjson") else exporting.csv_header()
    async for users in exporting.in_batches(store, 70):
        content += b"".join(map(to_line, users))
    again = await import_all(UserService(store), read_rows(io.BytesIO(content), name), by=None, reject=print)
    assert again.outcomes == {RowOutcome.UNCHANGED: 300}
    fresh = MemoryUserStore(MemoryDatabase())
    report = await import_all(UserService(fresh), read_rows(io.BytesIO(content), name), by=None, reject=print)
    assert report.outcomes == {RowOutcome.CREATED: 300}


def test_the_sample_is_the_same_for_a_seed_and_speaks_many_languages() -> None:
    rows = list(sample_users(300, seed=7))
    assert rows == list(sample_users(300, seed=7))
    assert rows != list(sample_users(300, seed=8))
    assert len({row["locale"] for row in rows}) > 15
    for name in ("externalId", "username", "email"):
        assert len({row[name] for row in rows}) == 300
