"""Indexes that have served are dropped when their time is over, by whoever holds a pipeline's lease."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog

from domain.backends import open_index_catalog
from domain.clock import now
from domain.errors import ServiceError
from domain.search.index import IndexCatalog
from domain.settings import Settings
from domain.users.ledger import Ledger
from indexer.rebuild.state import KeptIndexes, States

LOOK_SECONDS = 600.0

log = structlog.get_logger()


async def expire_indexes(
    settings: Settings, ledger: Ledger, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Look every ten minutes, without end; a failure waits for the next look."""
    kept = KeptIndexes(ledger)
    while True:
        try:
            if await kept.read():
                state = await States(ledger).read()
                async with open_index_catalog(settings) as catalog:
                    await drop_expired(kept, catalog, now(), filled=state.index if state else None)
        except ServiceError as exc:
            log.warning("kept indexes not dropped", why=str(exc))
        await sleep(LOOK_SECONDS)


async def drop_expired(
    kept: KeptIndexes, catalog: IndexCatalog, at: datetime, *, filled: str | None = None
) -> Sequence[str]:
    """Drop the kept indexes whose time is over; their names. One that serves again is kept no longer, but stays.

    So does the one that a rollback is under way to, `filled`: it serves soon, or is kept once that is given up.
    """
    dropped = []
    serving = {info.name for info in await catalog.indexes() if info.serving}
    for name, until in (await kept.read()).items():
        if name not in serving and (until > at or name == filled):
            continue
        if name not in serving:
            await catalog.drop(name)
            dropped.append(name)
            log.info("kept index dropped", index=name)
        await kept.forget(name)
    return dropped
