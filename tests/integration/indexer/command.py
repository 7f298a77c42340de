"""`python -m indexer` with a command, as an operator calls it."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass

from tests.integration.indexer.process import ROOT, Environment

SECONDS = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command ended with, and what it said."""

    exit_code: int
    out: str
    err: str


async def command(environment: Environment, *arguments: str) -> Ended:
    """Run it to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "indexer", *arguments, cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())
