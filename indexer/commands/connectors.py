"""python -m indexer connectors."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.settings import Settings
from indexer.commands import running
from indexer.connectors import apply as applying
from indexer.connectors.errors import ConnectorRefused
from indexer.connectors.file import ConnectorFile, parse
from indexer.connectors.health import Health, worst
from indexer.connectors.progress import open_progress_reader, watch
from indexer.connectors.worker import Connector, meant, open_worker

WATCH_SECONDS = 65.0
"""A worker commits offsets once a minute unless its offset.flush.interval.ms says otherwise."""

connectors = typer.Typer(
    help="Connectors of Kafka Connect that index this service's topic, at the worker CONNECT_URL.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="A connector's name, or that in its file.")]


@connectors.command("list")
def list_connectors() -> None:
    """The connectors that the workers have, those of others included."""
    _show(("connector", "state", "tasks", "topics"), map(_listed, running.ended(_all(running.settings()))))


@connectors.command()
def apply(
    file: Annotated[Path, typer.Argument(help='JSON: {"name": "…", "config": {…}}; - is standard input.')],
    any_option: Annotated[bool, typer.Option(help="Allow options that the plugin does not name.")] = False,
    wait: Annotated[
        float, typer.Option(help="Seconds that the new connector may take to run.", min=1, callback=running.seconds)
    ] = 60.0,
) -> None:
    """Run what FILE says, and remove what ran for an earlier content of it; twice is once.

    A changed configuration is a new connector, NAME-<digest>, that reads the topic from its beginning.
    """
    applied = running.ended(_apply(running.settings(), file, any_option=any_option, wait=wait))
    typer.echo(f"{applied.name}: {'runs now' if applied.created else 'runs already, nothing to do'}")
    for name in applied.removed:
        typer.echo(f"{name}: removed")


@connectors.command()
def status(
    name: Annotated[str | None, typer.Argument(help="One connector's name, or that in its file.")] = None,
    watch: Annotated[
        float, typer.Option(help="Seconds without a commit after which it is stalled.", callback=running.seconds)
    ] = (WATCH_SECONDS),
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, as a JSON array.")] = False,
) -> None:
    """How connectors are: lag, whether they get on, and why they failed; exit code 1 if one has failed or is stalled.

    A connector that is behind is watched until it commits something, for as long as --watch says.
    """
    found = running.ended(_status(running.settings(), name, watch))
    if as_json:
        typer.echo(json.dumps([health.to_json() for health in found], indent=2))
    else:
        _show(("connector", "state", "tasks", "lag", "verdict"), map(_judged, found))
        for health in found:
            if health.reason:
                typer.echo(f"{health.connector.name}: {health.reason}", err=True)
    if worst(found):
        raise typer.Exit(running.FOUND_EXIT)


@connectors.command()
def delete(name: Name) -> None:
    """Remove a connector; the index stays as it is."""
    for removed in running.ended(_delete(running.settings(), name)):
        typer.echo(f"{removed}: removed")


@connectors.command()
def restart(name: Name) -> None:
    """Restart a connector and all of its tasks; it goes on where it was."""
    for restarted in running.ended(_restart(running.settings(), name)):
        typer.echo(f"{restarted}: restarted")


async def _all(settings: Settings) -> Sequence[Connector]:
    async with open_worker(settings) as worker:
        return await worker.connectors()


async def _apply(settings: Settings, file: Path, *, any_option: bool, wait: float) -> applying.Applied:
    wanted = _read(file)
    async with open_worker(settings) as worker:
        return await applying.apply(wanted, settings, worker, any_option=any_option, seconds=wait)


def _read(file: Path) -> ConnectorFile:
    try:
        return parse(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes(), str(file))
    except OSError as exc:
        raise ConnectorRefused(str(file), [f"it cannot be read: {exc.strerror}."]) from exc


async def _status(settings: Settings, name: str | None, seconds: float) -> Sequence[Health]:
    async with open_worker(settings) as worker, open_progress_reader(settings) as reader:
        return await watch(worker, reader, seconds, name=name)


async def _delete(settings: Settings, name: str) -> Sequence[str]:
    async with open_worker(settings) as worker:
        names = [connector.name for connector in meant(name, await worker.connectors())]
        for found in names:
            await worker.remove(found)
    return names


async def _restart(settings: Settings, name: str) -> Sequence[str]:
    async with open_worker(settings) as worker:
        names = [connector.name for connector in meant(name, await worker.connectors())]
        for found in names:
            await worker.restart(found)
    return names


def _listed(connector: Connector) -> Sequence[str]:
    return (connector.name, connector.state, _tasks(connector), ", ".join(connector.topics))


def _judged(health: Health) -> Sequence[str]:
    lag = "-" if health.lag is None else str(health.lag)
    return (health.connector.name, health.connector.state, _tasks(health.connector), lag, health.verdict.value)


def _tasks(connector: Connector) -> str:
    running_tasks = sum(task.state == "RUNNING" for task in connector.tasks)
    return f"{running_tasks}/{len(connector.tasks)}"


def _show(header: Sequence[str], rows: "map[Sequence[str]]") -> None:
    table = Table(box=None, pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
