"""python -m indexer run."""

from typing import Annotated

import typer

from indexer.commands import running
from indexer.pairs import From, To
from indexer.run import run as run_pipelines


def run(
    source: Annotated[
        From | None, typer.Option("--from", help="Where changes come from; with --to: one pair only.")
    ] = None,
    sink: Annotated[To | None, typer.Option("--to", help="Where changes go.")] = None,
) -> None:
    """Run pipelines until SIGTERM or SIGINT; without options, those that the settings mean."""
    running.ended(run_pipelines(running.settings(), source, sink))
