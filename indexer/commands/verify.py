"""python -m indexer verify."""

import json
from dataclasses import replace
from typing import Annotated

import structlog
import typer
from rich.console import Console

from domain.backends import StoreBackend, open_index_catalog, open_store
from domain.errors import BadInput, ServiceError
from domain.progress import progress
from domain.settings import Settings
from domain.users.filter import EVERYONE
from indexer.commands import running
from indexer.kafka_dead_letters import dead_letters
from indexer.repair import repair_of
from indexer.verify.continuous import EVERY_SECONDS, SAMPLE, verify_continuously
from indexer.verify.report import Report
from indexer.verify.report_table import show
from indexer.verify.serving import verify_serving
from indexer.verify.verifier import PATIENCE_SECONDS

log = structlog.get_logger()


def verify(
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Write what differs again from the store.")] = False,
    patience: Annotated[
        float,
        typer.Option(callback=running.seconds, help="Seconds for which the indexer may be late before it is drift."),
    ] = PATIENCE_SECONDS,
    as_json: Annotated[bool, typer.Option("--json", help="The report as a JSON object.")] = False,
    continuous: Annotated[
        bool, typer.Option("--continuous", help="Compare samples until SIGTERM, with /metrics on INDEXER_PORT.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.01, callback=running.seconds, help="With --continuous: seconds between two samples.")
    ] = EVERY_SECONDS,
    sample: Annotated[int, typer.Option(min=1, help="With --continuous: users of a sample.")] = SAMPLE,
) -> None:
    """Compare all of the search index with all of the store. Exit code 0 only if they agree, 1 if not."""
    settings = running.settings()
    if continuous:
        if repair or as_json:
            raise running.refused(BadInput("--continuous only watches: leave --repair and --json out."))
        running.ended(verify_continuously(settings, every=every, sample=sample, patience=patience))
        return
    report = running.ended(_verify(settings, repair=repair, patience=patience))
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2))
    else:
        show(Console(), report)
    if report.drift:
        raise typer.Exit(running.FOUND_EXIT)


async def _verify(settings: Settings, *, repair: bool, patience: float) -> Report:
    async with open_store(settings) as store, open_index_catalog(settings) as catalog:
        with progress("verify", await store.store.count(EVERYONE)) as told:
            report = await verify_serving(
                store.store,
                catalog,
                patience=patience,
                progress=told,
                repair_of=repair_of(settings, store, catalog) if repair else None,
            )
        return await _explained(settings, store, report)


async def _explained(settings: Settings, store: StoreBackend, report: Report) -> Report:
    """`report` with what the dead letters say of its examples, if they can be asked."""
    if not report.examples:
        return report
    letters = dead_letters(settings, store.ledger)
    try:
        buried = await letters.get([drift.id for drift in report.examples])
    except ServiceError as exc:
        log.warning("dead letters not asked", why=exc.message)
        return report
    return replace(report, dead_letters=frozenset(buried))
