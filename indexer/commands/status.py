"""python -m indexer status."""

import json
from typing import Annotated

import typer
from rich.console import Console

from domain.backends import open_store
from domain.clock import now
from domain.settings import Settings
from indexer.commands import running
from indexer.reporting import PREFIX
from indexer.status_table import show

MOST_PIPELINES = 100


def status(
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, as a JSON array.")] = False,
) -> None:
    """How every pipeline was when it last said so."""
    running.ended(_show_status(running.settings(), as_json=as_json))


async def _show_status(settings: Settings, *, as_json: bool) -> None:
    async with open_store(settings) as store:
        entries = await store.ledger.entries(PREFIX, None, MOST_PIPELINES)
    statuses = [entry.value for entry in entries]
    if as_json:
        typer.echo(json.dumps(statuses, indent=2))
    else:
        show(Console(), statuses, now())
