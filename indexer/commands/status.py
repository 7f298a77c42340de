"""python -m indexer status."""

import json
from typing import Annotated

import typer
from rich.console import Console

from domain.backends import open_store
from domain.clock import now
from domain.settings import Settings
from indexer.commands import running
from indexer.pairs import PAIRS
from indexer.reporting import PREFIX
from indexer.status import State
from indexer.status_table import show
from indexer.told import MOST, runs, together


def status(
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, as a JSON array.")] = False,
) -> None:
    """How every pipeline was when it last said so. Exit code 1 if one of the mode does not run, or is in backoff."""
    if not running.ended(_show_status(running.settings(), as_json=as_json)):
        raise typer.Exit(running.FOUND_EXIT)


async def _show_status(settings: Settings, *, as_json: bool) -> bool:
    """Whether all is well."""
    async with open_store(settings) as store:
        entries = await store.ledger.entries(PREFIX, None, MOST)
    at = now()
    statuses = together(entries, at)
    if as_json:
        typer.echo(json.dumps(statuses, indent=2))
    else:
        show(Console(), statuses, at)
    well = {one["pipeline"] for one in statuses if runs(one, at) and one["state"] != State.BACKOFF}
    return well >= {pair.name for pair in PAIRS[settings.mode]}
