"""python -m indexer resync."""

from typing import Annotated

import typer

from domain.backends import open_store
from domain.progress import progress
from domain.settings import Settings
from domain.users.filter import EVERYONE
from indexer.commands import running
from indexer.requests import is_answered
from indexer.resync import ask, chosen, finished

DONE = "The resync is done."


def resync(
    pipeline: Annotated[str | None, typer.Option(help="Only this one, such as mongo-to-kafka.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return once it is done, and show how far it is.")] = False,
) -> None:
    """Send every user through the pipelines again, and delete what is left over. Exit code 1 if no indexer runs."""
    if running.ended(_resync(running.settings(), pipeline, wait=wait)):
        raise typer.Exit(running.FOUND_EXIT)


async def _resync(settings: Settings, pipeline: str | None, *, wait: bool) -> bool:
    """Whether it has to wait for an indexer to be started."""
    pairs = chosen(settings.mode, pipeline)
    async with open_store(settings) as store:
        idle = [pair.name for pair in pairs if not await is_answered(store.ledger, pair.name)]
        asked = await ask(store.ledger, pairs)
        for pair in pairs:
            when = "begins once an indexer runs it: none does" if pair.name in idle else "begins now"
            typer.echo(f"{pair.name}: the resync {when}.")
        if wait and not idle:
            total = await store.store.count(EVERYONE) * len(pairs)
            with progress("resync", total) as advance:
                idle = [pair.name for pair in await finished(store.ledger, asked, lambda users: advance(users, users))]
            typer.echo(f"No indexer runs {', '.join(idle)} any more: the next one goes on." if idle else DONE)
    return bool(idle)
