"""Kill and pause everything while clients write, and count what is lost: python -m tests.chaos --faults 50.

Exit codes: 0 as many faults as asked for, and nothing missing, stale, orphaned, different, ahead or lost; 1 otherwise.
"""

import asyncio
import random
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from domain.settings import Mode
from tests.chaos.expiry import Expiry
from tests.chaos.rage import Scene
from tests.chaos.report import Findings
from tests.chaos.run import Chaos
from tests.chaos.stage import staged
from tests.servers.server import ServerError

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)

EXPIRY = Expiry(max_age=30.0, forgotten=35.0)


@app.command(help=__doc__)
def main(
    faults: Annotated[int, typer.Option(help="How many processes to kill or pause.")] = 50,
    mode: Annotated[Mode, typer.Option(help="Of the service.")] = Mode.CLUSTER,
    seed: Annotated[
        int | None, typer.Option(help="Of the order of the faults; drawn and printed if not given.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="For the history, the logs and the servers' data.")] = None,
) -> None:
    """Run it, print the table, and judge."""
    seed = random.randrange(1_000_000) if seed is None else seed
    folder = folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    typer.echo(f"seed {seed}, history and logs in {folder}")
    try:
        findings = asyncio.run(_run(faults, mode, seed, folder))
    except ServerError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(1) from None
    typer.echo(findings.table())
    raise typer.Exit(0 if findings.good else 1)


async def _run(count: int, mode: Mode, seed: int, folder: Path) -> Findings:
    expiry = EXPIRY if mode is Mode.CLUSTER else None
    async with staged(mode, folder, expiry) as (system, servers, proxy):
        scene = Scene(system, servers, proxy, count, seed, expiry, say=_say)
        return await Chaos(scene, folder, plant=proxy is not None).run()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    app()
