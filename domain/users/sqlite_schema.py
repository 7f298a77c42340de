"""SQLite's tables, made from the field table, and the row of a user."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from domain.clock import from_milliseconds, to_milliseconds
from domain.users.fields import FIELDS, UNIQUE, Kind, Unique
from domain.users.model import Document, User, from_document, to_document

Row = tuple[Any, ...]
Codec = tuple[str, Callable[[Any], Any], Callable[[Any], Any]]
"""A column's type, and the way of a present value into it and out of it."""


def _same(value: Any) -> Any:
    return value


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


_TEXT: Codec = ("TEXT", _same, _same)
_INTEGER: Codec = ("INTEGER", _same, _same)
_JSON: Codec = ("TEXT", _to_json, orjson.loads)

_CODECS: Mapping[Kind, Codec] = {
    Kind.TEXT: _TEXT,
    Kind.STATUS: _TEXT,
    Kind.BOOLEAN: ("INTEGER", int, bool),
    Kind.INTEGER: _INTEGER,
    Kind.TIME: ("INTEGER", to_milliseconds, from_milliseconds),
    Kind.TEXTS: _JSON,
    Kind.OBJECT: _JSON,
}

UNKNOWN = "unknown"
"""The column with the fields that this release does not know, as a JSON object."""

_COLUMNS: Mapping[str, Codec] = {
    **{field.name: _CODECS[field.kind] for field in FIELDS},
    **{field.compared: _TEXT for field in UNIQUE if field.unique is Unique.FOLDED},
    "schema": _INTEGER,
    "writeId": _TEXT,
}
_ENCODERS = tuple((name, encode) for name, (_, encode, _) in _COLUMNS.items())
_DECODERS = tuple((name, decode) for name, (_, _, decode) in _COLUMNS.items())

COLUMNS: tuple[str, ...] = (*_COLUMNS, UNKNOWN)
"""The columns of `users` in the order of a row."""

SELECTED = ", ".join(f'users."{name}"' for name in COLUMNS)

LIVE = "\"status\" <> 'DELETED'"
"""Every list says this, word by word: it is the condition of the partial indexes."""


def to_row(user: User) -> Row:
    """The values of COLUMNS. Raises NewerSchema."""
    document = to_document(user)
    values = [None if (value := document.pop(name, None)) is None else encode(value) for name, encode in _ENCODERS]
    return (*values, _to_json(document) if document else None)


def from_row(row: Sequence[Any]) -> User:
    """The user of the values of COLUMNS."""
    document: Document = orjson.loads(row[-1]) if row[-1] is not None else {}
    for (name, decode), value in zip(_DECODERS, row, strict=False):
        if value is not None:
            document[name] = decode(value)
    return from_document(document)


def create_schema(connection: sqlite3.Connection) -> None:
    """Make what is missing; an older release's table gets the columns that are new since."""
    columns = {name: type for name, (type, _, _) in _COLUMNS.items()} | {UNKNOWN: "TEXT", "id": "TEXT PRIMARY KEY"}
    listed = ", ".join(f'"{name}" {type}' for name, type in columns.items())
    connection.execute(f"CREATE TABLE IF NOT EXISTS users ({listed})")
    present = {row[1] for row in connection.execute("PRAGMA table_info(users)")}
    for name in columns.keys() - present:
        connection.execute(f'ALTER TABLE users ADD COLUMN "{name}" {columns[name]}')
    connection.execute(
        "CREATE TABLE IF NOT EXISTS journal ("
        "seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL)"
    )
    connection.execute(
        "CREATE TABLE IF NOT EXISTS ledger ("
        "key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID"
    )
    for index in indexes():
        connection.execute(index)


def indexes() -> Iterator[str]:
    """The statements that make the indexes of `users`.

    A unique field needs no second index to be sorted by: only its absent values tie, and those are in an
    index by id of their own.
    """
    for field in FIELDS:
        column = field.compared
        if field.unique:
            present = LIVE if field.required else f'{LIVE} AND "{column}" IS NOT NULL'
            yield f'CREATE UNIQUE INDEX IF NOT EXISTS "unique_{column}" ON users ("{column}") WHERE {present}'
            if not field.required:
                absent = f'{LIVE} AND "{column}" IS NULL'
                yield f'CREATE INDEX IF NOT EXISTS "absent_{column}" ON users (id) WHERE {absent}'
        elif field.sortable and field.name != "id":
            yield f'CREATE INDEX IF NOT EXISTS "by_{column}" ON users ("{column}", id) WHERE {LIVE}'
    where = "\"status\" = 'DELETED'"
    yield f'CREATE INDEX IF NOT EXISTS tombstones ON users ("statusChangedAt") WHERE {where}'
