"""Orders, keyset cursors and windows: which part of a list a client asks for.

An absent value sorts first ascending and last descending; the id breaks ties in the order's own direction,
so that descending is exactly ascending reversed.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from domain.clock import from_milliseconds, to_milliseconds
from domain.errors import BadInput
from domain.users.fields import BY_NAME, Field, Kind
from domain.users.filter import All, AnyOf, Condition, Filter, Not, compared_values
from domain.users.model import User

MAX_PAGE = 100
DEFAULT_PAGE = 20


@dataclass(frozen=True, slots=True)
class Order:
    field: Field
    descending: bool = False


BY_ID = Order(BY_NAME["id"])


@dataclass(frozen=True, slots=True)
class Position:
    """A place in an ordered list: the compared value (None: absent) and the id of the user there."""

    value: Any
    id: str


@dataclass(frozen=True, slots=True)
class Window:
    """The `limit` users next to a bound: the first ones after `after`, or if `backward` the last ones before `before`.

    Both bounds hold where both are given.
    """

    limit: int
    after: Position | None = None
    before: Position | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Users in the list's order; `more` says whether the list goes on in the window's direction."""

    users: Sequence[User]
    more: bool


def order(name: str, *, descending: bool = False) -> Order:
    """Raises BadInput if users cannot be ordered by the field `name`."""
    field = BY_NAME.get(name)
    if field is None or not field.sortable:
        raise BadInput(f"Users cannot be ordered by {name!r}.", field="orderBy")
    return Order(field, descending)


def position(user: User, order: Order) -> Position:
    """Where `user` stands in a list ordered by `order`."""
    values = compared_values(order.field, user)
    return Position(values[0] if values else None, user.id)


def sort_key(user: User, order: Order) -> tuple[bool, Any, str]:
    """The key of the ascending order: the definition, to be reversed for a descending one."""
    place = position(user, order)
    return (place.value is not None, place.value if place.value is not None else "", place.id)


def page_size(first: int | None, last: int | None) -> int:
    """The page size asked for. Raises BadInput for both, or for one that is not 1..100."""
    if first is not None and last is not None:
        raise BadInput("Give first or last, not both.", field="first")
    name, size = ("last", last) if last is not None else ("first", first)
    if size is None:
        return DEFAULT_PAGE
    if not 1 <= size <= MAX_PAGE:
        raise BadInput(f"{name} must be 1 to {MAX_PAGE}, not {size}.", field=name)
    return size


def window(
    *, filter: Filter, order: Order, first: int | None, after: str | None, last: int | None, before: str | None
) -> Window:
    """The window of a Relay connection's arguments. Raises BadInput for bad sizes and for foreign cursors."""
    mark = digest(filter, order)
    return Window(
        limit=page_size(first, last),
        after=_decode("after", after, mark, order),
        before=_decode("before", before, mark, order),
        backward=last is not None,
    )


def digest(filter: Filter, order: Order) -> str:
    """A short fingerprint of a query's filter and order: a cursor is good for that query only."""
    content = orjson.dumps([_plain(filter), order.field.name, order.descending])
    return hashlib.blake2b(content, digest_size=6).hexdigest()


def cursor(user: User, order: Order, mark: str) -> str:
    """The cursor of `user` in the list whose digest is `mark`."""
    place = position(user, order)
    value = to_milliseconds(place.value) if isinstance(place.value, datetime) else place.value
    return encode_cursor([mark, value, place.id])


def encode_cursor(parts: list[Any]) -> str:
    """Any JSON list as an opaque, URL-safe text."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


def decode_cursor(name: str, text: str, length: int) -> list[Any]:
    """The inverse of `encode_cursor`. Raises BadInput if `text` is not a list of `length`."""
    try:
        parts = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        parts = None
    if not isinstance(parts, list) or len(parts) != length:
        raise BadInput(f"{name} is not a cursor of this service.", field=name)
    return parts


def _decode(name: str, text: str | None, mark: str, order: Order) -> Position | None:
    if text is None:
        return None
    found, value, id = decode_cursor(name, text, 3)
    if found != mark:
        raise BadInput(f"{name} is a cursor of another query: filter and order must stay the same.", field=name)
    if value is not None and order.field.kind is Kind.TIME:
        if type(value) is not int or not 0 <= value < 2**47:
            raise BadInput(f"{name} is not a cursor of this service.", field=name)
        value = from_milliseconds(value)
    if not isinstance(id, str) or not (value is None or isinstance(value, (str, datetime))):
        raise BadInput(f"{name} is not a cursor of this service.", field=name)
    return Position(value, id)


def _plain(filter: Filter) -> Any:
    match filter:
        case All(parts):
            return ["and", *map(_plain, parts)]
        case AnyOf(parts):
            return ["or", *map(_plain, parts)]
        case Not(part):
            return ["not", _plain(part)]
        case Condition(field, operator, value, attribute):
            return [field.name, attribute, operator.value, value]
