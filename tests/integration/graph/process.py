"""`python -m graph serve` as a process of its own, and a client of it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from domain.identity.verifier import development_token
from domain.settings import load_settings
from tests.fixtures.children import output
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[3]
START_TIMEOUT = 60


async def start(folder: Path, port: int, **environment: str) -> Process:
    """A process that serves on `port`, with its data in `folder`."""
    base = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    mine = {"ENVIRONMENT": "development", "DATA_DIR": str(folder), "HOST": "127.0.0.1", "PORT": str(port)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "graph", "serve", cwd=ROOT, env=base | mine | environment, stderr=PIPE, stdout=PIPE
    )


async def stopped(process: Process) -> tuple[int, str, str]:
    """The exit code and what was written, once the process ends."""
    out, err = await output(process, START_TIMEOUT)
    assert process.returncode is not None
    return process.returncode, out, err


@asynccontextmanager
async def serving(folder: Path, **environment: str) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """A process that answers, and a client of it with an administrator's token."""
    port = free_port()
    process = await start(folder, port, **environment)
    token = development_token(
        load_settings(environment="development", data_dir=folder), "tester", ["user:admin"], timedelta(hours=1)
    )
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
            async with asyncio.timeout(START_TIMEOUT):
                while True:
                    assert process.returncode is None, (await stopped(process))[2]
                    try:
                        await client.get("/livez")
                        break
                    except httpx.TransportError:
                        await asyncio.sleep(0.1)
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
