"""Export of users as CSV or NDJSON: the columns of the field table, in a form that an import reads back."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import orjson

from domain.clock import to_text
from domain.users.fields import FIELDS, Field, Kind
from domain.users.model import User
from domain.users.rows import LIST_SEPARATOR
from domain.users.store import UserStore

BATCH = 1_000


async def in_batches(store: UserStore, size: int = BATCH) -> AsyncIterator[Sequence[User]]:
    """All users that are not deleted, in id order, `size` at a time."""
    after: str | None = None
    while users := await store.scan(after, size):
        yield users
        after = users[-1].id


def csv_header() -> bytes:
    return _line([field.name for field in FIELDS])


def to_csv(user: User) -> bytes:
    """One CSV record (RFC 4180)."""
    return _line([_cell(field, getattr(user, field.attribute)) for field in FIELDS])


def to_ndjson(user: User) -> bytes:
    """One line of JSON; absent fields are omitted."""
    values = {field.name: _plain(getattr(user, field.attribute)) for field in FIELDS}
    return orjson.dumps({name: value for name, value in values.items() if value is not None}) + b"\n"


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_text(value)
    return value if value not in ((), {}) else None


def _cell(field: Field, value: Any) -> str:
    value = _plain(value)
    if value is None:
        return ""
    match field.kind:
        case Kind.TEXTS:
            joined = LIST_SEPARATOR.join(value)
            is_plain = joined.count(LIST_SEPARATOR) == len(value) - 1 and not joined.startswith("[")
            return joined if is_plain else orjson.dumps(value).decode()
        case Kind.OBJECT:
            return orjson.dumps(value).decode()
        case Kind.BOOLEAN:
            return "true" if value else "false"
    return str(value)
