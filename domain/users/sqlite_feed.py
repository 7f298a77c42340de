"""The change feed on SQLite: the journal, read by polling."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from domain.clock import Clock, from_milliseconds, now, to_milliseconds
from domain.errors import PositionLost, UnreadableUser
from domain.users.feed import Change, Changes
from domain.users.sqlite_connection import snapshot
from domain.users.sqlite_database import SqliteDatabase
from domain.users.sqlite_schema import SELECTED, from_row

POLL = 0.02
"""Seconds between two looks into the journal: there is no signal between processes."""

KEEP = timedelta(days=7)
"""How long a change stays in the journal after it was read, for whoever goes back to an older position."""

FORGOTTEN_A_WRITE = 10_000

_READ = (
    f"SELECT journal.seq, journal.id, journal.version, journal.at, {SELECTED}"
    " FROM journal LEFT JOIN users ON users.id = journal.id WHERE journal.seq > ? ORDER BY journal.seq LIMIT ?"
)
_BOUNDS = (
    "SELECT coalesce((SELECT min(seq) - 1 FROM journal), last), last FROM"
    " (SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0) AS last)"
)
_FORGET = (
    "DELETE FROM journal WHERE seq <= min(?, ? + (SELECT min(seq) FROM journal),"
    " coalesce((SELECT seq - 1 FROM journal WHERE at >= ? ORDER BY seq LIMIT 1), 9223372036854775807))"
)


class SqliteChangeFeed:
    """See ChangeFeed. A position is the number of the last row of the journal that was read."""

    def __init__(self, database: SqliteDatabase, *, keep: timedelta = KEEP, clock: Clock = now) -> None:
        self._database = database
        self._keep = keep
        self._clock = clock

    async def now(self) -> str:
        _, last = await self._database.read(_bounds)
        return str(last)

    @asynccontextmanager
    async def follow(self, position: str) -> AsyncIterator["SqliteFeedReader"]:
        if not (position.isascii() and position.isdigit()) or len(position) > 18:
            raise PositionLost("it is not one of this store")
        seq = int(position)
        _check(seq, await self._database.read(_bounds))
        yield SqliteFeedReader(self._database, seq)

    async def forget(self, position: str) -> None:
        """Let go of the changes up to `position` that are older than the time they are kept, and of erased pages."""
        before = to_milliseconds(self._clock() - self._keep)
        while await self._database.write(
            lambda c: c.execute(_FORGET, (int(position), FORGOTTEN_A_WRITE - 1, before)).rowcount == FORGOTTEN_A_WRITE
        ):
            pass
        await self._database.empty_log()

    async def kept_until(self, id: str) -> datetime | None:
        """Until when the journal has changes of user `id`, at least; None if it has none."""
        newest = await self._database.read(
            lambda c: c.execute("SELECT max(at) FROM journal WHERE id = ?", (id,)).fetchone()[0]
        )
        return None if newest is None else from_milliseconds(newest) + self._keep


class SqliteFeedReader:
    """See FeedReader."""

    def __init__(self, database: SqliteDatabase, position: int) -> None:
        self._database = database
        self._position = position

    async def read(self, limit: int, wait: float) -> Changes:
        deadline = time.monotonic() + wait
        while True:
            asked_at = time.monotonic()
            changes, position, is_all = await self._database.read(lambda c: _changes(c, self._position, limit))
            self._position = position
            left = deadline - time.monotonic()
            if changes or left <= 0:
                return Changes(changes, str(self._position), asked_at if is_all else None)
            await asyncio.sleep(min(POLL, left))

    async def lag(self) -> int:
        """Rows of the journal: exactly the writes."""
        _, newest = await self._database.read(_bounds)
        return max(0, newest - self._position)


def _changes(connection: sqlite3.Connection, position: int, limit: int) -> tuple[list[Change], int, bool]:
    """The users of the next `limit` rows as they are now, once each, the position behind them, and if that is all."""
    with snapshot(connection):
        _check(position, _bounds(connection))
        rows = connection.execute(_READ, (position, limit)).fetchall()
    newest = {row[1]: row for row in rows}
    changes = [_change(*row[:4], row=row[4:]) for row in newest.values()]
    return changes, rows[-1][0] if rows else position, len(rows) < limit


def _change(seq: int, id: str, version: int, at: int, *, row: tuple[object, ...]) -> Change:
    """A user that is not there any more was a tombstone: its sweeping is no change, the deletion is."""
    try:
        user = from_row(row) if row[0] is not None else None
    except UnreadableUser as exc:
        return Change(id, version, None, from_milliseconds(at), unreadable=exc.reason)
    return Change(
        id=id,
        version=version if user is None else user.version,
        user=None if user is None or user.deleted else user,
        at=from_milliseconds(at),
    )


def _bounds(connection: sqlite3.Connection) -> tuple[int, int]:
    """The oldest position from which nothing is missing, and the newest one."""
    oldest, newest = connection.execute(_BOUNDS).fetchone()
    return oldest, newest


def _check(position: int, bounds: tuple[int, int]) -> None:
    oldest, newest = bounds
    if position < oldest:
        raise PositionLost("the changes after it are no longer kept")
    if position > newest:
        raise PositionLost("it is newer than the store: was an older copy restored?")
