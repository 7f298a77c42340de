"""The port of the user store: the source of truth, written by compare-and-set only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import ServiceError
from domain.users.fields import Field
from domain.users.filter import Filter
from domain.users.model import User
from domain.users.page import Order, Page, Window


@dataclass(frozen=True, slots=True)
class Write:
    """A user at its new version: to be inserted (`expected` is None), or to replace the version `expected`."""

    user: User
    expected: int | None = None


class UserStore(Protocol):
    """Every method raises StoreUnavailable if the store does not answer within its time limit."""

    async def write(self, write: Write) -> bool:
        """Durably insert or replace one whole document; True if it is there now.

        False: a lost race (the stored version is not the expected one), nothing was written.
        Raises NotUnique (`field` "id" for an insert of an id that exists), OutcomeUnknown, NewerSchema.
        """

    async def write_many(self, writes: Sequence[Write]) -> Sequence[bool | ServiceError]:
        """Like `write` for each of at most 1,000 writes of different users, in few round trips, one result each.

        One write's failure does not touch the others.
        """

    async def get(self, ids: Sequence[str]) -> Mapping[str, User]:
        """The users of `ids` that exist, tombstones included, by id."""

    async def find(self, field: Field, keys: Sequence[str]) -> Mapping[str, User]:
        """The users whose unique `field` has one of `keys` (see keys.py), by that key."""

    async def page(self, filter: Filter, order: Order, window: Window) -> Page:
        """A window of the users that meet `filter`, tombstones excluded, as `filter.matches` and `page` define it."""

    async def count(self, filter: Filter) -> int:
        """How many users meet `filter`, tombstones excluded."""

    async def scan(self, after: str | None, limit: int) -> Sequence[User]:
        """The next `limit` users in id order after the id `after`, tombstones excluded."""

    async def remove_tombstones(self, before: datetime, limit: int) -> int:
        """Remove up to `limit` tombstones of users deleted before `before`; how many were removed."""

    async def ping(self) -> None:
        """Return if the store answers."""
