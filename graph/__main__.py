"""python -m graph: serve the API, show its schema and its peers, make tokens for development."""

import asyncio
import math
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import orjson
import structlog
import typer
import uvicorn
import uvloop
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from domain import logs
from domain.errors import OutOfReach, ServiceError, SettingsError
from domain.identity.caller import Right
from domain.identity.verifier import development_token
from domain.settings import Duration, Settings, load_settings
from graph.app import PATH, create_app
from graph.lifespan import with_state
from graph.peers import table
from graph.peers.asking import ask_for_peers, is_well
from graph.schema import sdl
from graph.welcome import welcome

EXIT_NOT_WELL = 1
EXIT_SETTINGS = 2
EXIT_UNREACHABLE = 3
PEERS_TOKEN_TTL = timedelta(minutes=1)
LONGEST_TTL = timedelta(days=3650)
SDL_FILE = Path(__file__).with_name("schema.graphql")

commands = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@commands.command()
def serve() -> None:
    """Serve the API until SIGTERM or SIGINT; requests in flight are answered first."""
    with _one_line_errors():
        settings = load_settings()
        logs.set_up(settings.log_level)
        uvloop.run(_serve(settings))


@commands.command()
def schema(
    check: Annotated[
        bool, typer.Option(help="Compare with graph/schema.graphql instead; exit code 1 if it differs.")
    ] = False,
) -> None:
    """Print the schema in GraphQL's own language."""
    text = sdl()
    if not check:
        typer.echo(text, nl=False)
    elif SDL_FILE.read_text(encoding="utf-8") != text:
        typer.echo("graph/schema.graphql differs: run `python -m graph schema > graph/schema.graphql`.", err=True)
        raise typer.Exit(1)


@commands.command()
def token(
    sub: Annotated[str, typer.Option(help="Who it is for: a user's id, or any name.")] = "developer",
    scope: Annotated[str, typer.Option(help="Scopes, separated by spaces.")] = "",
    ttl: Annotated[str, typer.Option(help="For how long: seconds, or ISO 8601.")] = "P1D",
) -> None:
    """Print a token signed by the development key; only with ENVIRONMENT=development."""
    with _one_line_errors():
        typer.echo(development_token(load_settings(), sub, scope.split(), _duration(ttl)))


@commands.command("welcome")
def show_welcome() -> None:
    """Print where the API will be, a token and a first request; only with ENVIRONMENT=development."""
    with _one_line_errors():
        typer.echo(welcome(load_settings()))


@commands.command("peers")
def show_peers(
    url: Annotated[str | None, typer.Option(help="The API; without it the one on this machine's PORT.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="TOKEN", help="An administrator's; without it one by the development key.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, as a JSON array.")] = False,
) -> None:
    """Show how the peers of a running API do.

    Exit codes: 0 all are asked; 1 one is not; 2 the settings are refused; 3 no API answers.
    """
    with _one_line_errors():
        settings = load_settings()
        given = token or development_token(settings, "operator", [Right.ADMIN], PEERS_TOKEN_TTL)
        peers = asyncio.run(ask_for_peers(url or f"http://127.0.0.1:{settings.port}{PATH}", given))
    if as_json:
        typer.echo(orjson.dumps(peers, option=orjson.OPT_INDENT_2))
    else:
        table.show(Console(), peers)
    raise typer.Exit(0 if all(map(is_well, peers)) else EXIT_NOT_WELL)


class _Server(uvicorn.Server):
    """uvicorn's server raises the signal that stopped it once more, before what we have open is closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


async def _serve(settings: Settings) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app) as state:
        config = uvicorn.Config(
            with_state(app, state),
            host=settings.host,
            port=settings.port,
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # the peer decides whose claims are trusted: no header may name another one
            timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout.total_seconds()),
        )
        structlog.get_logger("graph").info("serving", mode=settings.mode, version=settings.app_version)
        await _Server(config).serve()


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """What an operator can put right ends the process with one line that says how."""
    try:
        yield
    except SettingsError as exc:
        typer.echo(exc.message, err=True)
        sys.exit(EXIT_UNREACHABLE if isinstance(exc, OutOfReach) else EXIT_SETTINGS)
    except ServiceError as exc:
        typer.echo(exc.message, err=True)
        sys.exit(EXIT_UNREACHABLE)


def _duration(text: str) -> timedelta:
    try:
        ttl = TypeAdapter[timedelta](Duration).validate_python(text)
    except ValidationError:
        raise SettingsError(f"--ttl {text} is no duration: give seconds, or ISO 8601 such as P1D or PT15M.") from None
    if not timedelta(0) < ttl <= LONGEST_TTL:
        raise SettingsError(f"--ttl {text}: a token is good for more than nothing and at most {LONGEST_TTL.days} days.")
    return ttl


if __name__ == "__main__":
    commands(prog_name="python -m graph")
