"""The use cases of users: read, decide by pure functions, write by compare-and-set, settle what is unknown."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ulid import ULID

from domain.clock import Clock, now, to_milliseconds
from domain.errors import BadInput, Conflict, NotFound, NotUnique, OutcomeUnknown, StoreUnavailable
from domain.users import editing
from domain.users.fields import BY_NAME, UNIQUE
from domain.users.filter import Filter, is_text
from domain.users.importing import RowResult, import_rows
from domain.users.keys import key
from domain.users.model import Status, User
from domain.users.page import Order, Page, Window
from domain.users.store import UserStore, Write
from domain.users.validation import check_id

MAX_LOST_RACES = 20
MAX_BATCH = 1_000
TOMBSTONES_A_ROUND = 500


class UserService:
    """`phone_region`: see validation.check. Every method raises StoreUnavailable if the store does not answer."""

    def __init__(self, store: UserStore, *, phone_region: str = "US", clock: Clock = now) -> None:
        self._store = store
        self._phone_region = phone_region
        self._clock = clock

    async def create(self, values: Mapping[str, Any]) -> User:
        """A new user. Raises BadInput, NotUnique."""
        at = self._clock()
        id = str(ULID.from_timestamp(to_milliseconds(at)))
        user = editing.new_user(values, id=id, write_id=editing.new_write_id(), at=at, phone_region=self._phone_region)
        await self._settled(Write(user))
        return user

    async def update(self, id: str, changes: Mapping[str, Any], *, expected_version: int | None = None) -> User:
        """The user with `changes` (see editing.edit). Raises NotFound, Conflict, NotUnique, BadInput."""

        def edit(user: User) -> User:
            return editing.edit(
                user, changes, write_id=editing.new_write_id(), at=self._clock(), phone_region=self._phone_region
            )

        return await self._change(id, edit, expected_version)

    async def suspend(self, id: str, *, expected_version: int | None = None) -> User:
        """The user, SUSPENDED. Raises NotFound, Conflict."""
        return await self._set_status(id, Status.SUSPENDED, expected_version)

    async def reactivate(self, id: str, *, expected_version: int | None = None) -> User:
        """The user, ACTIVE. Raises NotFound, Conflict."""
        return await self._set_status(id, Status.ACTIVE, expected_version)

    async def delete(self, id: str, *, expected_version: int | None = None) -> User:
        """The tombstone that is left of the user. Raises NotFound, Conflict."""
        return await self._change(
            id,
            lambda user: editing.tombstone(user, write_id=editing.new_write_id(), at=self._clock()),
            expected_version,
        )

    async def get(self, ids: Sequence[str]) -> Mapping[str, User]:
        """Those of `ids` that are users and not deleted, by id. Raises BadInput for a malformed id."""
        for id in ids:
            check_id(id)
        found = await self._store.get(ids)
        return {id: user for id, user in found.items() if not user.deleted}

    async def find(self, name: str, value: str) -> User | None:
        """The user whose unique field `name` (username, email, externalId) is `value`. Raises BadInput."""
        field = BY_NAME.get(name)
        if field not in UNIQUE:
            raise BadInput(f"Users cannot be found by {name!r}.", field=name)
        if not is_text(value):
            raise BadInput(f"{name} cannot have this value.", field=name)
        wanted = key(field, value)
        return (await self._store.find(field, [wanted])).get(wanted)

    async def page(self, filter: Filter, order: Order, window: Window) -> Page:
        """A window of the users that meet `filter`."""
        return await self._store.page(filter, order, window)

    async def count(self, filter: Filter) -> int:
        """How many users meet `filter`."""
        return await self._store.count(filter)

    async def import_rows(
        self, rows: Sequence[Mapping[str, Any]], *, by: str | None, dry_run: bool = False
    ) -> Sequence[RowResult]:
        """Create or update a user for each of at most 1,000 rows, found by `by`; one result a row, in order.

        See importing.import_rows. Raises BadInput if there are more rows, or `by` is not externalId or username.
        """
        if len(rows) > MAX_BATCH:
            raise BadInput(f"At most {MAX_BATCH} rows can be imported at once, not {len(rows)}.", field="rows")
        return await import_rows(
            self._store, rows, by=by, at=self._clock(), phone_region=self._phone_region, dry_run=dry_run
        )

    async def expire_tombstones(self, retention: timedelta) -> int:
        """Remove the tombstones of users deleted longer than `retention` ago; how many were removed."""
        before, total = self._clock() - retention, 0
        while removed := await self._store.remove_tombstones(before, TOMBSTONES_A_ROUND):
            total += removed
        return total

    async def _set_status(self, id: str, status: Status, expected_version: int | None) -> User:
        return await self._change(
            id,
            lambda user: editing.with_status(user, status, write_id=editing.new_write_id(), at=self._clock()),
            expected_version,
        )

    async def _change(self, id: str, decide: Callable[[User], User], expected_version: int | None) -> User:
        """Read, decide, compare-and-set; a lost race is repeated unless the caller expects a version."""
        check_id(id)
        for _ in range(MAX_LOST_RACES):
            user = (await self._store.get([id])).get(id)
            if user is None or user.deleted:
                raise NotFound(id)
            if expected_version is not None and user.version != expected_version:
                raise Conflict(id, expected=expected_version, actual=user.version)
            changed = decide(user)
            if changed is user or await self._settled(Write(changed, expected=user.version)):
                return changed
        raise StoreUnavailable(f"User {id} is changed by others all the time: try again.")

    async def _settled(self, write: Write) -> bool:
        """Whether the write won. An unknown outcome is settled by reading again, once; then it stays unknown."""
        try:
            return await self._store.write(write)
        except OutcomeUnknown:
            return await self._settle(write)
        except NotUnique as exc:
            if exc.field == "id":  # the driver repeated our own insert
                return await self._settle(write)
            raise

    async def _settle(self, write: Write) -> bool:
        """Read, and if the write did not arrive send it again: it can only win once, whichever attempt arrives."""
        for again in (True, False):
            found = (await self._store.get([write.user.id])).get(write.user.id)
            if found is not None and found.write_id == write.user.write_id:
                return True
            if not again or (found.version if found else None) != write.expected:
                break
            try:
                if await self._store.write(write):
                    return True
            except NotUnique as exc:
                if exc.field != "id":
                    raise
        raise OutcomeUnknown(write.user.id)
