"""python -m indexer: run the pipelines that keep the search index up to date, and see how they are."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from domain import logs
from domain.backends import open_store
from domain.clock import now
from domain.errors import ServiceError
from domain.settings import Settings, load_settings
from indexer.pairs import From, To
from indexer.reporting import PREFIX
from indexer.run import run as run_pipelines
from indexer.status_table import show

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

MOST_PIPELINES = 100
SETTINGS_EXIT = 2


@app.command()
def run(
    source: Annotated[
        From | None, typer.Option("--from", help="where changes come from; with --to: one pair only")
    ] = None,
    sink: Annotated[To | None, typer.Option("--to", help="where changes go")] = None,
) -> None:
    """Run pipelines until SIGTERM or SIGINT; without options, those that the settings mean."""
    settings = _settings()
    _ended(run_pipelines(settings, source, sink))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, as a JSON array.")] = False,
) -> None:
    """How every pipeline was when it last said so."""
    settings = _settings()
    _ended(_show_status(settings, as_json=as_json))


async def _show_status(settings: Settings, *, as_json: bool) -> None:
    async with open_store(settings) as store:
        entries = await store.ledger.entries(PREFIX, None, MOST_PIPELINES)
    statuses = [entry.value for entry in entries]
    if as_json:
        typer.echo(json.dumps(statuses, indent=2))
    else:
        show(Console(), statuses, now())


def _settings() -> Settings:
    try:
        settings = load_settings()
    except ServiceError as exc:
        raise _refused(exc) from None
    logs.set_up(settings.log_level)
    return settings


def _ended(main: Coroutine[Any, Any, None]) -> None:
    """Run `main`; what only an operator can correct becomes one line and exit code 2."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    except ServiceError as exc:
        raise _refused(exc) from None


def _refused(error: ServiceError) -> typer.Exit:
    typer.echo(error.message, err=True)
    return typer.Exit(SETTINGS_EXIT)


if __name__ == "__main__":
    app()
