"""The operator's commands `python -m indexer verify` and `rebuild`, run as an operator runs them."""

import asyncio
import json
import sys
from typing import Any

from tests.chaos.report import Drift
from tests.chaos.system import System
from tests.integration.indexer.process import ROOT

COMMAND_SECONDS = 180.0
PATIENCE_SECONDS = "0"
"""What differs is drift at once: nothing is under way any more when a run verifies."""


async def verify(system: System, *, repair: bool = False) -> tuple[int, dict[str, Any]]:
    """Its exit code and its report."""
    options = ["--repair"] if repair else []
    code, output = await _run(system, "verify", "--json", "--patience", PATIENCE_SECONDS, *options)
    report: dict[str, Any] = json.loads(output)
    return code, report


async def rebuild(system: System) -> int:
    """Its exit code."""
    code, _ = await _run(system, "rebuild")
    return code


async def drift(system: System) -> Drift:
    """What verify finds, having changed nothing; its exit code is the one that belongs to it."""
    code, report = await verify(system)
    found = Drift(**report["found"])
    assert (code == 0) == (found == Drift()), report
    return found


async def _run(system: System, *arguments: str) -> tuple[int, str]:
    """Exit code and standard output; fails if the command could not do its work."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "indexer", *arguments),
        env=dict(system.environment),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode in (0, 1), errors.decode()
    return process.returncode, output.decode()
