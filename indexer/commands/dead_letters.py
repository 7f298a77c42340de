"""python -m indexer dead-letters."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from domain.backends import StoreBackend, open_store
from domain.clock import now
from domain.errors import BadInput
from domain.settings import Settings
from indexer.commands import running
from indexer.dead_letters import PAGE, DeadLetter, DeadLetters, pages, to_json
from indexer.kafka_dead_letters import dead_letters as dead_letters_of
from indexer.replay import Replay
from indexer.status_table import age

dead_letters = typer.Typer(
    help="What could not be delivered: look at it, deliver it again, or let go of it.", no_args_is_help=True
)

Keys = Annotated[list[str] | None, typer.Argument(metavar="KEY...", help="Users' ids, or topic/partition/offset.")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter there is.")]


@dead_letters.command("list")
def list_letters(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """All of them, in key order; exit code 1 if there are any."""
    if running.ended(_list(running.settings(), as_json=as_json)):
        raise typer.Exit(running.FOUND_EXIT)


@dead_letters.command()
def show(key: Annotated[str, typer.Argument(help="A user's id, or topic/partition/offset.")]) -> None:
    """All that is known about one; never the user."""
    running.ended(_show(running.settings(), key))


@dead_letters.command()
def replay(
    keys: Keys = None,
    all: All = False,
    wait: Annotated[float, typer.Option(callback=running.seconds, help="Seconds to wait for the pipeline.")] = 30.0,
) -> None:
    """Read the users from the store again and deliver them; exit code 1 if a letter is left."""
    if running.ended(_replay(running.settings(), keys or [], all=all, wait=wait)):
        raise typer.Exit(running.FOUND_EXIT)


@dead_letters.command()
def drop(keys: Keys = None, all: All = False) -> None:
    """Let go of them: nothing is delivered."""
    running.ended(_drop(running.settings(), keys or [], all=all))


async def _list(settings: Settings, *, as_json: bool) -> int:
    count = 0
    async with _opened(settings) as (_, letters):
        async for page in pages(letters):
            for letter in page:
                typer.echo(_as_json(letter) if as_json else _line(letter))
            count += len(page)
    typer.echo(f"{count:,} dead letters", err=True)
    return count


async def _show(settings: Settings, key: str) -> None:
    async with _opened(settings) as (_, letters):
        async for (letter,) in _chosen(letters, [key], all=False):
            for name, value in {"key": letter.key, **to_json(letter)}.items():
                typer.echo(f"{name:9}{value}")


async def _replay(settings: Settings, keys: Sequence[str], *, all: bool, wait: float) -> int:
    delivered = left = 0
    async with _opened(settings) as (store, letters):
        replay = Replay(settings, store, letters, seconds=wait)
        async for page in _chosen(letters, keys, all=all):
            async for one in replay.deliver(page):
                typer.echo(f"{one.key}  delivered" if one.delivered else f"{one.key}  still there: {one.why}")
                delivered, left = delivered + one.delivered, left + (not one.delivered)
    typer.echo(f"{delivered:,} delivered, {left:,} still there", err=True)
    return left


async def _drop(settings: Settings, keys: Sequence[str], *, all: bool) -> None:
    count = 0
    async with _opened(settings) as (_, letters):
        async for page in _chosen(letters, keys, all=all):
            await letters.drop([letter.key for letter in page])
            count += len(page)
    typer.echo(f"{count:,} dropped", err=True)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[StoreBackend, DeadLetters]]:
    async with open_store(settings) as store:
        yield store, dead_letters_of(settings, store.ledger)


async def _chosen(letters: DeadLetters, keys: Sequence[str], *, all: bool) -> AsyncIterator[Sequence[DeadLetter]]:
    """Those under `keys`, or all, in portions. Raises BadInput, before anything is done, for a key without a letter."""
    if all == bool(keys):
        raise BadInput("Say which dead letters: either their keys, as `dead-letters list` shows them, or --all.")
    if all:
        async for page in pages(letters):
            yield page
        return
    portions = [keys[start : start + PAGE] for start in range(0, len(keys), PAGE)]
    found = {key: letter for portion in portions for key, letter in (await letters.get(portion)).items()}
    if missing := [key for key in keys if key not in found]:
        raise BadInput(f"There is no dead letter {', '.join(missing[:5])}: nothing is done.")
    for portion in portions:
        yield [found[key] for key in dict.fromkeys(portion)]


def _line(letter: DeadLetter) -> str:
    tried = f"{letter.attempts}x, {age(now() - letter.at)}"
    return f"{letter.key}  {letter.origin}, {tried}: {letter.reason}"


def _as_json(letter: DeadLetter) -> str:
    return json.dumps({"key": letter.key, **to_json(letter)})
