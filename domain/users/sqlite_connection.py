"""Connections to one SQLite file: how one is opened, and how whole operations run on its thread."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import aiosqlite

from domain.errors import SettingsError, StoreUnavailable
from domain.users.sqlite_schema import create_schema

CACHED_STATEMENTS = 256
CACHE_KIBIBYTES = 32 * 1024
INSTRUCTIONS_A_CHECK = 10_000
"""Of SQLite's virtual machine, between two looks whether a read is still wanted: less than a millisecond."""

WAL_RETRY = 0.01
"""Seconds between two attempts to switch a new file to WAL, for which SQLite's own busy timeout does not wait."""

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]


class Connection(aiosqlite.Connection):
    """A connection and its thread, on which a whole operation runs as one step.

    aiosqlite hops to the thread for every statement, and a cancellation between two of them would leave the
    transaction open; an operation that was handed over runs to its end whatever becomes of its caller.
    """

    async def run(self, operation: Operation[T]) -> T:
        if self._connection is None:
            raise StoreUnavailable("The user store is closed.")
        return cast("T", await self._execute(operation, self._connection))  # type: ignore[no-untyped-call]

    async def run_while_wanted(self, operation: Operation[T]) -> T:
        """Like `run`, but once the caller gives up, the statement under way ends too."""
        given_up = threading.Event()

        def watched(connection: sqlite3.Connection) -> T:
            connection.set_progress_handler(given_up.is_set, INSTRUCTIONS_A_CHECK)
            return operation(connection)

        try:
            return await self.run(watched)
        except asyncio.CancelledError:
            given_up.set()
            raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Several statements that read the store as of one moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        end(connection)


@asynccontextmanager
async def connect(path: Path, timeout: timedelta) -> AsyncIterator[Connection]:
    """A connection that waits up to `timeout` for other processes' locks."""

    def opened() -> sqlite3.Connection:
        return sqlite3.connect(
            path, timeout=timeout.total_seconds(), isolation_level=None, cached_statements=CACHED_STATEMENTS
        )

    connection = Connection(opened, iter_chunk_size=1)
    async with connection:
        yield connection


def prepare(connection: sqlite3.Connection, *, timeout: timedelta) -> None:
    """Settings of the writer, and the schema.

    FULL: a commit returns once it is on disk. secure_delete: what is deleted is overwritten in the file, too.
    """
    _use_wal(connection, time.monotonic() + timeout.total_seconds())
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        create_schema(connection)
        connection.execute("COMMIT")
    finally:
        end(connection)


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(WAL_RETRY)
        else:
            return


def end(connection: sqlite3.Connection) -> None:
    """Roll back what is still open; many errors have done so already."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def opening_error(exc: OSError | sqlite3.Error, path: Path) -> SettingsError | StoreUnavailable:
    """What to tell of a file that could not be opened."""
    code = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnavailable(f"Another process keeps {path} locked: end it, or try again in a moment.")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return SettingsError(
            f"DATA_DIR has a {path.name} that is damaged or no SQLite database: restore it, or move it away."
        )
    return SettingsError(f"DATA_DIR is not usable, {path} cannot be opened ({exc}): make it a writable folder.")
