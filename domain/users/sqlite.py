"""The user store on SQLite; each write and its row of the journal are one transaction."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson

from domain.clock import now, to_milliseconds
from domain.errors import NotUnique, OutcomeUnknown, ServiceError
from domain.users.fields import UNIQUE, Field
from domain.users.filter import Filter
from domain.users.model import User
from domain.users.page import Order, Page, Window
from domain.users.sqlite_connection import snapshot
from domain.users.sqlite_database import SqliteDatabase, Unconfirmed
from domain.users.sqlite_filter import Segment, segments, to_sql
from domain.users.sqlite_schema import COLUMNS, LIVE, SELECTED, Row, from_row, to_row
from domain.users.store import Write

__all__ = ["SqliteDatabase", "SqliteUserStore"]

_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_INSERT = f"INSERT INTO users ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"
_REPLACE = f"UPDATE users SET ({_NAMES}) = ({', '.join('?' * len(COLUMNS))}) WHERE id = ? AND version = ?"
_JOURNAL = "INSERT INTO journal (id, version, at) VALUES (?, ?, ?)"
_KEYS = {field: COLUMNS.index(field.compared) for field in UNIQUE}


class SqliteUserStore:
    """See UserStore."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def write(self, write: Write) -> bool:
        [result] = await self.write_many([write])
        if isinstance(result, ServiceError):
            raise result
        return result

    async def write_many(self, writes: Sequence[Write]) -> Sequence[bool | ServiceError]:
        if not writes:
            return []
        try:
            return await self._database.write(lambda connection: _write_all(connection, writes))
        except Unconfirmed as exc:
            unknown = [OutcomeUnknown(write.user.id) for write in writes]
            for error in unknown:
                error.__cause__ = exc
            return unknown

    async def get(self, ids: Sequence[str]) -> Mapping[str, User]:
        sql = f"SELECT {SELECTED} FROM users WHERE id IN (SELECT value FROM json_each(?))"
        users = await self._users(sql, orjson.dumps(list(ids)).decode())
        return {user.id: user for user in users}

    async def find(self, field: Field, keys: Sequence[str]) -> Mapping[str, User]:
        column = f'users."{field.compared}"'
        sql = f"SELECT {column}, {SELECTED} FROM users WHERE {LIVE} AND {column} IN (SELECT value FROM json_each(?))"
        wanted = orjson.dumps(list(keys)).decode()

        def read(connection: sqlite3.Connection) -> Mapping[str, User]:
            return {row[0]: from_row(row[1:]) for row in connection.execute(sql, (wanted,))}

        return await self._database.read(read)

    async def page(self, filter: Filter, order: Order, window: Window) -> Page:
        stretches = segments(order, window)
        users = await self._database.read(lambda c: _read_segments(c, filter, stretches, window.limit + 1))
        found = users[: window.limit]
        return Page(found[::-1] if window.backward else found, more=len(users) > window.limit)

    async def count(self, filter: Filter) -> int:
        where = to_sql(filter)
        sql = f"SELECT count(*) FROM users WHERE {LIVE} AND {where.text}"
        return await self._database.read(lambda c: int(c.execute(sql, where.values).fetchone()[0]))

    async def scan(self, after: str | None, limit: int) -> Sequence[User]:
        sql = f"SELECT {SELECTED} FROM users WHERE {LIVE} AND id > ? ORDER BY id LIMIT ?"
        return await self._users(sql, after or "", limit)

    async def remove_tombstones(self, before: datetime, limit: int) -> int:
        sql = (
            "DELETE FROM users WHERE rowid IN (SELECT rowid FROM users WHERE \"status\" = 'DELETED'"
            ' AND "statusChangedAt" < ? ORDER BY "statusChangedAt" LIMIT ?)'
        )
        return await self._database.write(lambda c: c.execute(sql, (to_milliseconds(before), limit)).rowcount)

    async def ping(self) -> None:
        await self._users(f"SELECT {SELECTED} FROM users LIMIT 1")

    async def _users(self, sql: str, *values: object) -> list[User]:
        return await self._database.read(lambda c: [from_row(row) for row in c.execute(sql, values)])


def _read_segments(
    connection: sqlite3.Connection, filter: Filter, stretches: Sequence[Segment], limit: int
) -> list[User]:
    """The first `limit` users of the segments in turn, all of one moment."""
    where = to_sql(filter)
    users: list[User] = []
    with snapshot(connection):
        for stretch in stretches:
            sql = (
                f"SELECT {SELECTED} FROM users WHERE {LIVE} AND {stretch.where.text} AND {where.text}"
                f" ORDER BY {stretch.order_by} LIMIT ?"
            )
            values = (*stretch.where.values, *where.values, limit - len(users))
            users.extend(from_row(row) for row in connection.execute(sql, values))
            if len(users) == limit:
                break
    return users


def _write_all(connection: sqlite3.Connection, writes: Sequence[Write]) -> list[bool | ServiceError]:
    """Each write's result; a statement that fails undoes itself alone. What was written goes into the journal."""
    results = [_write_one(connection, write) for write in writes]
    at = to_milliseconds(now())
    written = [(w.user.id, w.user.version, at) for w, result in zip(writes, results, strict=True) if result is True]
    connection.executemany(_JOURNAL, written)
    return results


def _write_one(connection: sqlite3.Connection, write: Write) -> bool | ServiceError:
    try:
        row = to_row(write.user)
        if write.expected is None:
            connection.execute(_INSERT, row)
            return True
        return connection.execute(_REPLACE, (*row, write.user.id, write.expected)).rowcount == 1
    except sqlite3.IntegrityError as exc:
        taken = _taken(connection, write, row)
        if taken is None:
            raise
        error = NotUnique(taken)
        error.__cause__ = exc
        return error
    except ServiceError as exc:
        return exc


def _taken(connection: sqlite3.Connection, write: Write, row: Row) -> str | None:
    """The name of the first field whose value another user has."""
    id = write.user.id
    if write.expected is None and connection.execute("SELECT 1 FROM users WHERE id = ?", (id,)).fetchone():
        return "id"
    for field, column in _KEYS.items():
        sql = f'SELECT 1 FROM users WHERE {LIVE} AND "{field.compared}" = ? AND id <> ?'
        if connection.execute(sql, (row[column], id)).fetchone():
            return field.name
    return None
