"""What a store needs now and then, done by whoever holds a pipeline's lease."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, runtime_checkable

import structlog

from domain.backends import StoreBackend
from domain.errors import ServiceError
from domain.users.model import User
from indexer.again import stored
from indexer.dead_letters import DeadLetters, pages
from indexer.sources.position import feed_position

HOUR_SECONDS = 3600.0

log = structlog.get_logger()


@runtime_checkable
class Forgetful(Protocol):
    """A feed whose store keeps its changes until it is told that they are delivered."""

    async def forget(self, position: str) -> None: ...


class Delivered(Protocol):
    """What a lease's term offers."""

    async def position(self) -> str | None: ...


async def keep_house(
    backend: StoreBackend,
    delivered: Delivered,
    letters: DeadLetters,
    retention: timedelta,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Hourly, without end: remove what is past its `retention`. A failure waits for the next hour."""
    while True:
        try:
            await _clean(backend, delivered, letters, retention)
        except ServiceError as exc:
            log.warning("housekeeping failed", why=str(exc))
        await sleep(HOUR_SECONDS)


async def _clean(backend: StoreBackend, delivered: Delivered, letters: DeadLetters, retention: timedelta) -> None:
    removed = await backend.users.expire_tombstones(retention)
    if removed:
        log.info("tombstones removed", count=removed)
    position = await delivered.position()
    if position is not None and isinstance(backend.feed, Forgetful):
        await backend.feed.forget(feed_position(position))
    async for page in pages(letters):
        ids = {letter.id for letter in page if letter.id}
        found, unreadable = await stored(backend.store, ids)
        if erased := [id for id in sorted(ids - unreadable.keys()) if is_erased(found.get(id))]:
            await letters.drop(erased)
            log.info("dead letters of deleted users dropped", count=len(erased))


def is_erased(user: User | None) -> bool:
    """Whether nothing may be kept about `user`, as the store has it."""
    return user is None or user.deleted
