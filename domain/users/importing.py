"""Import of rows: each row creates a user or updates the one with the same externalId or username."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from ulid import ULID

from domain.clock import to_milliseconds
from domain.errors import BadInput, NotUnique, ServiceError, StoreUnavailable
from domain.users import editing
from domain.users.fields import BY_NAME
from domain.users.keys import key
from domain.users.model import Status, User
from domain.users.store import UserStore, Write
from domain.users.validation import check

MATCHED_BY = ("externalId", "username")
MAX_ROUNDS = 5

Key = tuple[str, str]
"""By what a row's user is found: the name of a field, and the value's key."""


class RowOutcome(Enum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row: the user as it is now, or the error for which the row was rejected."""

    outcome: RowOutcome
    user: User | None = None
    error: ServiceError | None = None


async def import_rows(
    store: UserStore,
    rows: Sequence[Mapping[str, Any]],
    *,
    by: str | None,
    at: datetime,
    phone_region: str,
    dry_run: bool = False,
) -> list[RowResult]:
    """Rows are field name → raw value; absent and null leave a field as it is. One result a row, in order.

    `by` None: each row by its externalId, or by username where it has none. A row that repeats an earlier one's
    key updates what that one made. `status` may be ACTIVE or SUSPENDED. With `dry_run` all is decided and nothing
    written, so only duplicates of *other* fields go unseen. Raises BadInput for another `by`, StoreUnavailable.
    """
    if by is not None and by not in MATCHED_BY:
        raise BadInput(f"Rows are matched by {' or '.join(MATCHED_BY)}, not by {by!r}.", field="by")
    return await _Import(store, rows, by, at, phone_region).run(dry_run=dry_run)


class _Import:
    """One batch: every row ends with a result; rows whose write lost a race are decided again."""

    def __init__(
        self, store: UserStore, rows: Sequence[Mapping[str, Any]], by: str | None, at: datetime, region: str, /
    ) -> None:
        self._store = store
        self._rows = rows
        self._by = by
        self._at = at
        self._phone_region = region
        self._results: dict[int, RowResult] = {}
        self._keys = self._read_keys()
        self._supposed: dict[Key, User] = {}

    async def run(self, *, dry_run: bool) -> list[RowResult]:
        waiting = list(self._keys)
        while waiting:
            first = {self._keys[index]: index for index in reversed(waiting)}
            wave = sorted(first.values())
            waiting = sorted(set(waiting).difference(wave))
            await self._run_wave(wave, dry_run=dry_run)
        return [self._results[index] for index in range(len(self._rows))]

    async def _run_wave(self, pending: list[int], *, dry_run: bool) -> None:
        """Settle rows of different keys."""
        for attempt in range(MAX_ROUNDS):
            if not pending:
                return
            await asyncio.sleep(0.02 * attempt)
            writes, again = self._decide(pending, await self._find(pending))
            if dry_run:
                self._results |= {index: _result(write) for index, write in writes.items()}
                self._supposed |= {self._keys[index]: write.user for index, write in writes.items()}
            else:
                again += await self._write(writes)
            pending = sorted(again)
        for index in pending:
            self._reject(index, StoreUnavailable("The write did not settle: import this row again."))

    async def _find(self, pending: Sequence[int]) -> dict[Key, User]:
        """The users of the pending rows by the rows' keys, as a dry run's earlier rows would have left them."""
        found: dict[Key, User] = {}
        for name in MATCHED_BY:
            if wanted := [self._keys[index][1] for index in pending if self._keys[index][0] == name]:
                users = await self._store.find(BY_NAME[name], wanted)
                found |= {(name, value): user for value, user in users.items()}
        return found | self._supposed

    def _read_keys(self) -> dict[int, Key]:
        """The key of each row; rows without one are rejected."""
        keys: dict[int, Key] = {}
        for index, row in enumerate(self._rows):
            name = self._by or next((name for name in MATCHED_BY if row.get(name) is not None), MATCHED_BY[-1])
            value = row.get(name)
            if value is None:
                self._reject(index, BadInput(f"{name} is required: rows are matched by it.", field=name))
                continue
            try:
                keys[index] = name, key(BY_NAME[name], check(BY_NAME[name], value, phone_region=self._phone_region))
            except BadInput as exc:
                self._reject(index, exc)
        return keys

    def _decide(self, pending: Sequence[int], found: Mapping[Key, User]) -> tuple[dict[int, Write], list[int]]:
        """The writes of the pending rows, and the rows whose user an earlier one writes already, by its other key.

        Rows that are refused or change nothing get their results here.
        """
        writes: dict[int, Write] = {}
        again: list[int] = []
        written: set[str] = set()
        for index in pending:
            user = found.get(self._keys[index])
            if user is not None and user.id in written:
                again.append(index)
                continue
            try:
                write = self._decide_row(self._rows[index], user)
            except ServiceError as exc:
                self._reject(index, exc)
                continue
            if write is None:
                self._results[index] = RowResult(RowOutcome.UNCHANGED, user=user)
            else:
                writes[index] = write
                written.add(write.user.id)
        return writes, again

    def _decide_row(self, row: Mapping[str, Any], user: User | None) -> Write | None:
        values = {name: value for name, value in row.items() if value is not None and name != "status"}
        status = _status(row.get("status"))
        common: dict[str, Any] = {
            "write_id": editing.new_write_id(),
            "at": self._at,
            "phone_region": self._phone_region,
        }
        if user is None:
            id = str(ULID.from_timestamp(to_milliseconds(self._at)))
            return Write(editing.new_user(values, id=id, status=status or Status.ACTIVE, **common))
        changed = editing.edit(user, values, status=status, **common)
        return None if changed is user else Write(changed, expected=user.version)

    async def _write(self, writes: Mapping[int, Write]) -> list[int]:
        """Write, record what is settled, and return the rows whose write lost a race or is of unknown outcome.

        Those are decided again from what is then stored, so a write that did arrive turns out unchanged.
        """
        again: list[int] = []
        outcomes = await self._store.write_many(list(writes.values()))
        for (index, write), outcome in zip(writes.items(), outcomes, strict=True):
            if outcome is True:
                self._results[index] = _result(write)
            elif outcome is False or isinstance(outcome, StoreUnavailable) or self._is_own(index, outcome):
                again.append(index)
            else:
                self._reject(index, outcome)
        return again

    def _is_own(self, index: int, error: ServiceError) -> bool:
        """Whether the row's user came to be meanwhile: by an insert that the driver repeated, or by another import."""
        return isinstance(error, NotUnique) and error.field in {"id", self._keys[index][0]}

    def _reject(self, index: int, error: ServiceError) -> None:
        self._results[index] = RowResult(RowOutcome.REJECTED, error=error)


def _status(value: Any) -> Status | None:
    if value is None:
        return None
    if value not in (Status.ACTIVE, Status.SUSPENDED):
        raise BadInput("status must be ACTIVE or SUSPENDED: users are not deleted by an import.", field="status")
    return Status(value)


def _result(write: Write) -> RowResult:
    return RowResult(RowOutcome.CREATED if write.expected is None else RowOutcome.UPDATED, user=write.user)
