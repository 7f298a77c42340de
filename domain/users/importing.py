"""Import of rows: each row creates a user or updates the one with the same externalId or username."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from ulid import ULID

from domain.clock import to_milliseconds
from domain.errors import BadInput, ServiceError, StoreUnavailable
from domain.users import editing
from domain.users.fields import BY_NAME
from domain.users.keys import key
from domain.users.model import User
from domain.users.store import UserStore, Write
from domain.users.validation import check

MATCHED_BY = ("externalId", "username")
MAX_ROUNDS = 5


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
    by: str,
    at: datetime,
    phone_region: str,
    dry_run: bool = False,
) -> list[RowResult]:
    """Rows are field name → raw value; absent and null leave a field as it is. One result a row, in order.

    A row that repeats an earlier one's key is rejected. With `dry_run` all is decided and nothing written, so
    only duplicates of *other* fields go unseen. Raises BadInput for another `by`, StoreUnavailable.
    """
    if by not in MATCHED_BY:
        raise BadInput(f"Rows are matched by {' or '.join(MATCHED_BY)}, not by {by!r}.", field="by")
    return await _Import(store, rows, by, at, phone_region).run(dry_run=dry_run)


class _Import:
    """One batch: every row ends with a result; rows whose write lost a race are decided again."""

    def __init__(
        self, store: UserStore, rows: Sequence[Mapping[str, Any]], by: str, at: datetime, region: str, /
    ) -> None:
        self._store = store
        self._rows = rows
        self._by = by
        self._at = at
        self._phone_region = region
        self._results: dict[int, RowResult] = {}
        self._keys = self._read_keys()

    async def run(self, *, dry_run: bool) -> list[RowResult]:
        pending = list(self._keys)
        for attempt in range(MAX_ROUNDS):
            if not pending:
                break
            await asyncio.sleep(0.02 * attempt)
            found = await self._store.find(BY_NAME[self._by], [self._keys[index] for index in pending])
            writes = self._decide(pending, found)
            if dry_run:
                self._results |= {index: _result(write) for index, write in writes.items()}
                pending = []
            else:
                pending = await self._write(writes)
        for index in pending:
            self._reject(index, StoreUnavailable("The write did not settle: import this row again."))
        return [self._results[index] for index in range(len(self._rows))]

    def _read_keys(self) -> dict[int, str]:
        """The key of each row; rows without one, or with an earlier row's, are rejected."""
        keys: dict[int, str] = {}
        seen: set[str] = set()
        for index, row in enumerate(self._rows):
            value = row.get(self._by)
            if value is None:
                self._reject(index, BadInput(f"{self._by} is required: rows are matched by it.", field=self._by))
                continue
            try:
                found = key(BY_NAME[self._by], check(BY_NAME[self._by], value, phone_region=self._phone_region))
            except BadInput as exc:
                self._reject(index, exc)
                continue
            if found in seen:
                self._reject(index, BadInput(f"An earlier row of this batch has the same {self._by}.", field=self._by))
                continue
            seen.add(found)
            keys[index] = found
        return keys

    def _decide(self, pending: Sequence[int], found: Mapping[str, User]) -> dict[int, Write]:
        """The writes of the pending rows; rows that are refused or change nothing get their results here."""
        writes: dict[int, Write] = {}
        for index in pending:
            user = found.get(self._keys[index])
            try:
                write = self._decide_row(self._rows[index], user)
            except ServiceError as exc:
                self._reject(index, exc)
                continue
            if write is None:
                self._results[index] = RowResult(RowOutcome.UNCHANGED, user=user)
            else:
                writes[index] = write
        return writes

    def _decide_row(self, row: Mapping[str, Any], user: User | None) -> Write | None:
        values = {name: value for name, value in row.items() if value is not None}
        write_id = editing.new_write_id()
        if user is None:
            id = str(ULID.from_timestamp(to_milliseconds(self._at)))
            return Write(
                editing.new_user(values, id=id, write_id=write_id, at=self._at, phone_region=self._phone_region)
            )
        changed = editing.edit(user, values, write_id=write_id, at=self._at, phone_region=self._phone_region)
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
            elif outcome is False or isinstance(outcome, StoreUnavailable):
                again.append(index)
            else:
                self._reject(index, outcome)
        return again

    def _reject(self, index: int, error: ServiceError) -> None:
        self._results[index] = RowResult(RowOutcome.REJECTED, error=error)


def _result(write: Write) -> RowResult:
    return RowResult(RowOutcome.CREATED if write.expected is None else RowOutcome.UPDATED, user=write.user)
