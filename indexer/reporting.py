"""Tells each pipeline's status: to the ledger, where the API reads how far the index is behind, and to the log."""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from typing import Any

import structlog

from domain.errors import StoreUnavailable
from domain.users.ledger import Ledger
from indexer.status import State, Status

PREFIX = "status:"
EVERY_SECONDS = 1.0
UNCHANGED_SECONDS = 5.0
LOG_SECONDS = 60.0

log = structlog.get_logger()


class Reporter:
    """Under a key of its own for every `holder`, a process. Who stands by says nothing: another process does."""

    def __init__(self, ledger: Ledger, status: Status, holder: str) -> None:
        self._ledger = ledger
        self._status = status
        self._key = f"{PREFIX}{status.name}:{holder}"
        self._revision: int | None = None
        self._last: dict[str, Any] = {}
        self._at = status.monotonic() - UNCHANGED_SECONDS

    async def report(self) -> None:
        """Write the status if it has changed, or was written a while ago. A store that does not answer is no error."""
        status = self._status
        if status.state is State.STANDBY or (status.state is State.STOPPED and not self._last):
            return
        told = {name: value for name, value in status.to_json().items() if name != "checkpointAgeSeconds"}
        if told == self._last and status.monotonic() - self._at < UNCHANGED_SECONDS:
            return
        try:
            if self._revision is None:
                entry = await self._ledger.read(self._key)
                self._revision = entry.revision if entry else 0
            written = await self._ledger.write(self._key, status.dated(), expected=self._revision)
        except StoreUnavailable as exc:
            log.debug("status not written", pipeline=status.name, why=str(exc))
            self._revision = None
            return
        self._revision = self._revision + 1 if written else None
        if written:
            self._last, self._at = told, status.monotonic()


class StatusLog:
    """A line in the log when the state changes, and each minute in which anything was read, written or retried."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._state: State | None = None
        self._work: tuple[int, ...] = ()
        self._at = status.monotonic()

    def look(self) -> None:
        """Log what there is to say, if anything."""
        status = self._status
        work = (status.read, status.written, status.stale, status.retries, status.dead_letters)
        is_due = status.monotonic() - self._at >= LOG_SECONDS and work != self._work
        if status.state is self._state and not is_due:
            return
        self._state, self._work, self._at = status.state, work, status.monotonic()
        told = {
            re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name): value
            for name, value in status.to_json().items()
        }
        log.info("pipeline", **told)


async def report_all(ledger: Ledger, statuses: Sequence[Status], holder: str) -> None:
    """Report every second, without end; when cancelled, once more."""
    reporters = [Reporter(ledger, status, holder) for status in statuses]
    logs = [StatusLog(status) for status in statuses]
    try:
        while True:
            for entry in logs:
                entry.look()
            for reporter in reporters:
                await reporter.report()
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVERY_SECONDS):
                for reporter in reporters:
                    await reporter.report()
