"""A rebuild from the settings on: opens what it needs, and lets only one run."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from domain.backends import StoreBackend, open_index_catalog, open_store
from domain.errors import IndexMismatch, SearchUnavailable, StoreUnavailable
from domain.search.index import IndexCatalog, IndexInfo
from domain.settings import Settings
from indexer import retry
from indexer.batching import Limits
from indexer.errors import KafkaUnavailable, RebuildUnderWay
from indexer.kafka_dead_letters import dead_letters
from indexer.lease import LOOKS_A_LEASE, Lease, Term
from indexer.pairs import PAIRS, To
from indexer.rebuild.letters import Remembered
from indexer.rebuild.rebuild import LEASE, Rebuild, Rebuilt, Told, abandon
from indexer.rebuild.state import KeptIndexes
from indexer.tasks import alongside
from indexer.verify.verifier import PATIENCE_SECONDS

BULKS = 2
"""How many time limits of a bulk are waited for after the swap: an engine may finish what its client gave up."""


ATTEMPTS = 10

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listed:
    """One of our indexes, and until when it is kept if it is one that has served."""

    info: IndexInfo
    kept_until: datetime | None


async def rebuild(settings: Settings, *, keep: timedelta, rollback: bool, told: Told) -> Rebuilt:
    """Rebuild into a new index; with `rollback`, into the one that served before. Raises as Rebuild.run does."""
    done: list[Rebuilt] = []
    async with _opened(settings) as (store, catalog, term):
        letters = Remembered(dead_letters(settings, store.ledger))
        rebuild = Rebuild(
            _pipeline(settings),
            store,
            catalog,
            term,
            letters,
            limits=Limits(settings.batch_count, settings.batch_bytes, settings.batch_wait.total_seconds()),
            in_flight=settings.search_timeout * BULKS,
            patience=PATIENCE_SECONDS,
            keep=keep,
            told=told,
        )
        onto = await _last_kept(catalog, KeptIndexes(store.ledger)) if rollback else None

        async def run() -> None:
            done.append(await _persistently(rebuild, onto))

        await alongside(run(), term.keep())
    return done[0]


async def _persistently(rebuild: Rebuild, onto: str | None) -> Rebuilt:
    """An outage is waited out for some minutes: a rebuild that is run again goes on where it was."""
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(StoreUnavailable, SearchUnavailable, KafkaUnavailable):
            return await rebuild.run(onto)
        log.warning("rebuild goes on later", in_seconds=retry.MOST_SECONDS)
        await asyncio.sleep(retry.MOST_SECONDS)
    return await rebuild.run(onto)


async def give_up(settings: Settings) -> str | None:
    """Give up the rebuild that was interrupted; the name of its index, None if there is none."""
    async with _opened(settings) as (store, catalog, term):
        return await abandon(store, catalog, term)


async def list_indexes(settings: Settings) -> Sequence[Listed]:
    """All of our indexes, the oldest first."""
    async with open_store(settings) as store, open_index_catalog(settings) as catalog:
        kept = await KeptIndexes(store.ledger).read()
        return [Listed(info, kept.get(info.name)) for info in await catalog.indexes()]


def _pipeline(settings: Settings) -> str:
    """The pipeline that writes the index: dead letters name it, so that a replay goes there."""
    return next(pair.name for pair in PAIRS[settings.mode] if pair.sink is not To.KAFKA)


async def _last_kept(catalog: IndexCatalog, kept: KeptIndexes) -> str:
    names = await kept.read()
    found = [info.name for info in await catalog.indexes() if info.name in names and not info.serving]
    if not found:
        raise IndexMismatch("There is no kept index to roll back to: see python -m indexer rebuild --list.")
    return found[-1]


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[StoreBackend, IndexCatalog, Term]]:
    """Raises RebuildUnderWay if another process rebuilds; one that has died is waited out."""
    async with open_store(settings) as store, open_index_catalog(settings) as catalog:
        term = await _term(settings, store)
        try:
            yield store, catalog, term
        finally:
            await term.release()


async def _term(settings: Settings, store: StoreBackend) -> Term:
    holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    lease = Lease(store.ledger, LEASE, holder=holder, duration=settings.lease_duration)
    pause = settings.lease_duration.total_seconds() / LOOKS_A_LEASE
    for _ in range(2 * LOOKS_A_LEASE):
        if (term := await lease.attempt()) is not None:
            return term
        await asyncio.sleep(pause)
    raise RebuildUnderWay
