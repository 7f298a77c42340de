"""One process of the indexer, from its settings to its graceful end."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

from domain.backends import open_store
from domain.settings import Settings
from indexer.health import health_app, serve_health
from indexer.pairs import PAIRS, From, To, choose
from indexer.pipelines import Builder
from indexer.reporting import report_all
from indexer.signals import told_to_stop
from indexer.status import Status
from indexer.supervisor import supervise
from indexer.tasks import alongside
from indexer.told import clear_outdated

log = structlog.get_logger()


async def run(settings: Settings, source: From | None, sink: To | None) -> None:
    """Run the chosen pipelines until SIGTERM or SIGINT, then drain them within SHUTDOWN_TIMEOUT.

    Raises SettingsError, IndexMismatch.
    """
    pairs = choose(settings, source, sink)
    stop = asyncio.Event()
    with told_to_stop(stop):
        async with open_store(settings) as store:
            builder = Builder(settings, store, stop)
            statuses = [Status(pair.name) for pair in pairs]
            async with serve_health(health_app(store.store, statuses), settings):
                pipelines = [
                    supervise(builder.sessions(pair, status), status, stop)
                    for pair, status in zip(pairs, statuses, strict=True)
                ]
                log.info("indexer runs", mode=settings.mode.value, pipelines=[pair.name for pair in pairs])
                names = [pair.name for pair in PAIRS[settings.mode]]
                reporting = asyncio.create_task(
                    alongside(report_all(store.ledger, statuses, builder.holder), clear_outdated(store.ledger, names))
                )
                try:
                    await _until_stopped(pipelines, stop, settings.shutdown_timeout.total_seconds())
                finally:
                    reporting.cancel()
                    await asyncio.gather(reporting, return_exceptions=True)
    log.info("indexer stopped")


async def _until_stopped(pipelines: Sequence[Coroutine[Any, Any, None]], stop: asyncio.Event, seconds: float) -> None:
    """Run all; when one gives up, or `stop` is set, all stop; who has not within `seconds` is cancelled."""
    tasks = [asyncio.create_task(pipeline) for pipeline in pipelines]
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=seconds)
        if late:
            log.warning("not drained in time: what is left is read again by the next start", pipelines=len(late))
    finally:
        for task in (*tasks, stopping):
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(stopping, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome
