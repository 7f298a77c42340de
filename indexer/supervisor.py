"""A pipeline's sessions, one after the other: whatever ends one, the next begins anew, after a pause that grows."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import structlog

from domain.errors import ServiceError
from indexer import retry
from indexer.status import State, Status

LONG_SECONDS = 60.0
"""A session that ran this long has worked: what ended it begins a new series of attempts."""

log = structlog.get_logger()


async def supervise(
    session: Callable[[], Awaitable[None]],
    status: Status,
    stop: asyncio.Event,
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Run `session` again and again until `stop` is set. Raises only what retry.remedy gives up on."""
    attempts = 0
    try:
        while not stop.is_set():
            begun_at, written = monotonic(), status.written
            status.turn()
            try:
                await session()
            except (Exception, asyncio.CancelledError) as exc:
                if _is_final(exc):
                    raise
                worked = status.written > written or monotonic() - begun_at > LONG_SECONDS
                attempts = 1 if worked else attempts + 1
                await _pause(exc, attempts, status, stop)
    finally:
        status.state = State.STOPPED


def _is_final(error: BaseException) -> bool:
    """A cancellation is only if this task was told to end: libraries let those of their own tasks out, too."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return retry.remedy(error) is retry.Remedy.GIVE_UP


async def _pause(error: BaseException, attempts: int, status: Status, stop: asyncio.Event) -> None:
    seconds = retry.delay(attempts)
    status.state = State.BACKOFF
    status.restarts += 1
    status.error = str(error) if isinstance(error, ServiceError) else type(error).__name__  # others may quote values
    if isinstance(error, ServiceError):
        log.warning("begin anew", pipeline=status.name, in_seconds=round(seconds, 2), why=status.error)
    else:
        log.error("begin anew", pipeline=status.name, in_seconds=round(seconds, 2), exc_info=error)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
