"""python -m indexer rebuild."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.clock import to_text
from domain.errors import BadInput
from domain.progress import Advance, progress
from domain.settings import Duration, Settings
from indexer.commands import running
from indexer.rebuild.rebuild import Phase, Rebuilt
from indexer.rebuild.run import Listed, give_up, list_indexes
from indexer.rebuild.run import rebuild as run_rebuild

MOST_KEPT = timedelta(days=3650)

_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


def rebuild(
    keep: Annotated[
        str, typer.Option(help="For how long the index that served is kept, in seconds or as P1D.")
    ] = "P1D",
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Back to the index that served before, after it has caught up.")
    ] = False,
    abandon: Annotated[bool, typer.Option("--abandon", help="Give up a rebuild that was interrupted.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="Only show the indexes there are.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Fill a new index from the store, prove it, and put it in place of the serving one; nothing has to stop.

    One that was interrupted goes on where it was when it is run again. The serving index is not touched before the
    new one is proved.
    """
    if sum((rollback, abandon, list_all)) > 1:
        raise running.refused(BadInput("Choose one of --rollback, --abandon and --list."))
    settings = running.settings()
    if list_all:
        _show_indexes(running.ended(list_indexes(settings)), as_json=as_json)
    elif abandon:
        name = running.ended(give_up(settings))
        typer.echo(f"The rebuild into {name} is given up." if name else "No rebuild is under way.")
    else:
        _show_rebuilt(_rebuilt(settings, _duration(keep), rollback=rollback), as_json=as_json)


def _duration(text: str) -> timedelta:
    try:
        keep = _DURATION.validate_python(text)
    except ValidationError:
        raise running.refused(BadInput(f"--keep {text} is no duration: give seconds, or P1D.")) from None
    if not timedelta(0) <= keep <= MOST_KEPT:
        raise running.refused(BadInput(f"--keep {text} is out of bounds: give 0 to {MOST_KEPT.days} days, as P30D."))
    return keep


def _rebuilt(settings: Settings, keep: timedelta, *, rollback: bool) -> Rebuilt:
    with ExitStack() as stack:
        bars: dict[Phase, Advance] = {}

        def told(phase: Phase, done: int, total: int) -> None:
            if phase not in bars:
                stack.close()
                bars[phase] = stack.enter_context(progress(phase.value, total or None))
            bars[phase](done, done)

        return running.ended(run_rebuild(settings, keep=keep, rollback=rollback, told=told))


def _show_rebuilt(rebuilt: Rebuilt, *, as_json: bool) -> None:
    proof = rebuilt.proof
    if as_json:
        value = {
            "index": rebuilt.index,
            "previous": list(rebuilt.previous),
            "keptUntil": to_text(rebuilt.kept_until),
            "users": proof.users if proof else None,
            "deadLetters": rebuilt.dead_letters,
        }
        typer.echo(json.dumps(value, indent=2))
        return
    proved = f"{proof.users:,} users compared, none differs" if proof else "it was proved before the interruption"
    typer.echo(f"{rebuilt.index} serves: {proved}.")
    if rebuilt.dead_letters:
        typer.echo(f"{rebuilt.dead_letters} users are not in it: see python -m indexer dead-letters list.")
    for name in rebuilt.previous:
        typer.echo(f"{name} is kept until {to_text(rebuilt.kept_until)}: --rollback goes back to it.")


def _show_indexes(listed: Sequence[Listed], *, as_json: bool) -> None:
    if as_json:
        values = [
            {
                "index": one.info.name,
                "createdAt": to_text(one.info.created_at),
                "serving": one.info.serving,
                "fits": one.info.fits,
                "keptUntil": to_text(one.kept_until) if one.kept_until else None,
            }
            for one in listed
        ]
        typer.echo(json.dumps(values, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("index", "serves", "shape", "kept until"):
        table.add_column(name, overflow="fold")
    for one in listed:
        kept = to_text(one.kept_until) if one.kept_until else ""
        shape = "ours" if one.info.fits else "another release's"
        serves = "yes" if one.info.serving else "no"
        table.add_row(*map(Text, (one.info.name, serves, shape, kept)))
    Console().print(table)
