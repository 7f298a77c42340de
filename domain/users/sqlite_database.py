"""One SQLite file: short reads beside each other, and writes that share a durable commit."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from domain.errors import StoreUnavailable
from domain.users.sqlite_connection import Connection, Operation, connect, end, opening_error, prepare

READERS = 3
WRITES_A_COMMIT = 64

T = TypeVar("T")


class Unconfirmed(StoreUnavailable):
    """A write was begun and its commit not seen: it may or may not be there."""


@dataclass(slots=True, eq=False)
class _Pending(Generic[T]):
    """A write that waits for a transaction, and then what came of it."""

    operation: Operation[T]
    outcome: list[T] = field(default_factory=list)
    error: Exception | None = None

    @property
    def settled(self) -> bool:
        return bool(self.outcome) or self.error is not None


class SqliteDatabase:
    """A pool of readers and one writer. Of several processes on one file, one writes at a time."""

    def __init__(self, writer: Connection, readers: Sequence[Connection], timeout: timedelta) -> None:
        self._writer = writer
        self._readers: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for reader in readers:
            self._readers.put_nowait(reader)
        self._timeout = timeout.total_seconds()
        self._pending: deque[_Pending[Any]] = deque()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, *, timeout: timedelta) -> AsyncIterator["SqliteDatabase"]:
        """The database in the file `path`, made or upgraded if need be; `timeout` limits every operation.

        Raises SettingsError if the file cannot be used, StoreUnavailable if another process keeps it locked.
        """
        async with AsyncExitStack() as stack:
            try:
                _make_private(path)
                writer = await stack.enter_async_context(connect(path, timeout))
                await writer.run(partial(prepare, timeout=timeout))
                readers = [await stack.enter_async_context(connect(path, timeout)) for _ in range(READERS)]
                for reader in readers:
                    await reader.run(lambda connection: connection.execute("PRAGMA query_only = ON").close())
            except (OSError, sqlite3.Error) as exc:
                raise opening_error(exc, path) from exc
            yield cls(writer, readers, timeout)

    async def read(self, operation: Operation[T]) -> T:
        """What `operation` reads. Raises StoreUnavailable."""
        try:
            async with asyncio.timeout(self._timeout):
                reader = await self._readers.get()
                try:
                    return await reader.run_while_wanted(operation)
                finally:
                    self._readers.put_nowait(reader)
        except (sqlite3.Error, TimeoutError) as exc:
            raise StoreUnavailable from exc

    async def write(self, operation: Operation[T]) -> T:
        """What `operation` returns, once its writes are on disk; whatever it raises, none of its writes is there.

        Writes that wait at the same time share one commit, which is what costs. Raises StoreUnavailable if
        nothing was written, Unconfirmed if that is not known.
        """
        pending = _Pending(operation)
        self._pending.append(pending)
        try:
            async with asyncio.timeout(self._timeout):
                while not pending.settled:
                    await self._writer.run(self._write_pending)
        except (sqlite3.Error, TimeoutError) as exc:
            raise (StoreUnavailable if self._withdraw(pending) else Unconfirmed) from exc
        except BaseException:
            self._withdraw(pending)
            raise
        if isinstance(pending.error, sqlite3.Error):
            raise StoreUnavailable from pending.error
        if pending.error is not None:
            raise pending.error
        return pending.outcome[0]

    async def empty_log(self) -> bool:
        """Move the write-ahead log into the file and truncate it; False if somebody reads or writes all the time.

        Until then it keeps pages as they were before they were overwritten. Raises StoreUnavailable.
        """
        try:
            busy, *_ = await self._writer.run(lambda c: c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
        except sqlite3.Error as exc:
            raise StoreUnavailable from exc
        return not busy

    def _withdraw(self, pending: _Pending[Any]) -> bool:
        """Whether `pending` could be taken back before a transaction took it."""
        try:
            self._pending.remove(pending)
        except ValueError:
            return False
        return True

    def _write_pending(self, connection: sqlite3.Connection) -> None:
        """One transaction of what waits, on the writer's thread; often an earlier one has taken all.

        What waits for another process's lock can still be withdrawn.
        """
        if self._pending:
            connection.execute("BEGIN IMMEDIATE")
            _commit(connection, self._taken())

    def _taken(self) -> Sequence[_Pending[Any]]:
        batch: list[_Pending[Any]] = []
        with suppress(IndexError):
            while len(batch) < WRITES_A_COMMIT:
                batch.append(self._pending.popleft())
        return batch


def _make_private(path: Path) -> None:
    """Make the file, for its owner only; those that SQLite puts beside it take its mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)


def _commit(connection: sqlite3.Connection, batch: Sequence[_Pending[Any]]) -> None:
    """Do the writes in the open transaction and commit it; all fail if it does."""
    try:
        for pending in batch:
            _write_one(connection, pending)
    except sqlite3.Error as exc:
        _fail(connection, batch, StoreUnavailable, exc)
        return
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as exc:
        _fail(connection, batch, Unconfirmed, exc)


def _fail(
    connection: sqlite3.Connection, batch: Sequence[_Pending[Any]], kind: type[StoreUnavailable], cause: sqlite3.Error
) -> None:
    for pending in batch:
        pending.error = kind()
        pending.error.__cause__ = cause
    end(connection)


def _write_one(connection: sqlite3.Connection, pending: _Pending[Any]) -> None:
    """One write in a savepoint of its own. Raises sqlite3.Error if that ended the whole transaction."""
    connection.execute("SAVEPOINT one")
    try:
        outcome = pending.operation(connection)
    except Exception as exc:
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO one")
        pending.error = exc
    else:
        pending.outcome.append(outcome)
    connection.execute("RELEASE one")
