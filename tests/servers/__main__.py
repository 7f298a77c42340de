"""Install the real servers, or run one of them in the foreground.

`python -m tests.servers install [--cluster]` · `python -m tests.servers run mongodb --port 27017 --data data/mongodb`
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tests.servers.catalog import SERVERS, Name
from tests.servers.golang import GoTool
from tests.servers.local import LocalServer
from tests.servers.server import InstallError, StartError
from tests.servers.tools import TOOLS

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command()
def install(
    cluster: Annotated[bool, typer.Option("--cluster", help="Build the parts of a cluster instead.")] = False,
) -> None:
    """Download every server that can run here; exit 1 naming what failed.

    One that cannot run here is named and left out, unless REQUIRE_SERVERS=1.
    """
    if cluster:
        failed = [tool.name for tool in TOOLS if not _build(tool)]
    else:
        failed = [name.value for name, kind in SERVERS.items() if not _install(kind)]
    if failed:
        typer.echo(f"failed: {', '.join(failed)}", err=True)
        raise typer.Exit(1)


def _install(kind: type[LocalServer]) -> bool:
    """Whether nothing went wrong."""
    return _had(f"{kind.name} ({kind.version})", kind.missing(), kind.installed(), kind.home(), kind.install)


def _build(tool: GoTool) -> bool:
    """Likewise; each program is told, since one can take minutes."""
    label = f"{tool.name} ({tool.version})"
    install = partial(tool.install, lambda said: typer.echo(f"{label}: {said}"))
    return _had(label, tool.missing(), tool.installed(), tool.home, install)


def _had(label: str, missing: str | None, installed: bool, home: Path, install: Callable[[], None]) -> bool:
    if missing:
        typer.echo(f"{label}: left out: {missing}")
        return os.environ.get("REQUIRE_SERVERS") != "1"
    if installed:
        typer.echo(f"{label}: there already")
        return True
    typer.echo(f"{label}: installing into {home}")
    begun = time.monotonic()
    try:
        install()
    except InstallError as error:
        typer.echo(str(error), err=True)
        return False
    typer.echo(f"{label}: installed in {time.monotonic() - begun:.0f} s")
    return True


@app.command()
def run(
    name: Annotated[Name, typer.Argument(help="The server.")],
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1.")],
    data: Annotated[Path, typer.Option(help="The folder for its data; kept.")],
) -> None:
    """Run one server until SIGTERM or SIGINT; exit 1 when it ends by itself."""
    kind = SERVERS[name]
    if reason := kind.missing():
        typer.echo(f"{name.value} cannot run here: {reason}", err=True)
        raise typer.Exit(1)
    try:
        kind.install()
        code = asyncio.run(_run(kind(data, port)))
    except (InstallError, StartError) as error:
        typer.echo(str(error), err=True)
        code = 1
    raise typer.Exit(code)


@app.command()
def wait(
    ports: Annotated[list[int], typer.Argument(help="Ports on 127.0.0.1.")],
    seconds: Annotated[float, typer.Option(help="How long to wait.")] = 120,
) -> None:
    """Wait until something listens on every port; exit 1 naming those where nothing does."""
    deadline = time.monotonic() + seconds
    while silent := [port for port in ports if not _listens(port)]:
        if time.monotonic() > deadline:
            typer.echo(f"nothing listens on {', '.join(map(str, silent))}", err=True)
            raise typer.Exit(1)
        time.sleep(0.2)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _run(server: LocalServer) -> int:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    typer.echo(f"{server.name}: starting, log in {server.log}")
    starting = asyncio.create_task(server.start())
    stopping = asyncio.create_task(told.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return 0
    await starting
    typer.echo(f"{server.name}: ready at {server.url}")
    while not told.is_set() and server.exit_code is None:
        await asyncio.wait({stopping}, timeout=0.5)
    code = 0 if told.is_set() else 1
    if code:
        typer.echo(f"{server.name}: ended with {server.exit_code}", err=True)
    await server.stop()
    stopping.cancel()
    return code


if __name__ == "__main__":
    app()
