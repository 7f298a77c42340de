"""`python -m indexer` with a command, as an operator calls it."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass

from tests.fixtures.children import output
from tests.integration.indexer.process import ROOT, Environment

SECONDS = 90


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
    out, err = await output(process, SECONDS)
    assert process.returncode is not None
    return Ended(process.returncode, out, err)
