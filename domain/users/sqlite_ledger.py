"""The ledger on SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from domain.users.ledger import Entry
from domain.users.sqlite_database import SqliteDatabase
from domain.users.sqlite_filter import successor


class SqliteLedger:
    """See Ledger."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def read(self, key: str) -> Entry | None:
        found = await self._entries("key = ?", key)
        return found[0] if found else None

    async def write(self, key: str, value: Mapping[str, Any], *, expected: int) -> bool:
        text = orjson.dumps(value).decode()

        def write(connection: sqlite3.Connection) -> bool:
            if expected == 0:
                sql = "INSERT INTO ledger (key, value, revision) VALUES (?, ?, 1) ON CONFLICT DO NOTHING"
                return connection.execute(sql, (key, text)).rowcount == 1
            sql = "UPDATE ledger SET value = ?, revision = revision + 1 WHERE key = ? AND revision = ?"
            return connection.execute(sql, (text, key, expected)).rowcount == 1

        return await self._database.write(write)

    async def entries(self, prefix: str, after: str | None, limit: int) -> Sequence[Entry]:
        beyond = successor(prefix)
        end, values = ("AND key < ?", (beyond,)) if beyond is not None else ("", ())
        where = f"key >= ? AND key > ? {end} ORDER BY key LIMIT ?"
        return await self._entries(where, prefix, after or "", *values, limit)

    async def remove(self, key: str) -> None:
        await self._database.write(lambda c: c.execute("DELETE FROM ledger WHERE key = ?", (key,)).close())

    async def _entries(self, where: str, *values: str | int) -> list[Entry]:
        sql = f"SELECT key, value, revision FROM ledger WHERE {where}"

        def read(connection: sqlite3.Connection) -> list[Entry]:
            rows = connection.execute(sql, values)
            return [Entry(key, orjson.loads(value), revision) for key, value, revision in rows]

        return await self._database.read(read)
