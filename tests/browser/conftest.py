"""The stand-in service of the browser's tests, and what its visits came to."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.browser.driver import Report, visit
from tests.servers.ports import free_port

_ROOT = Path(__file__).parents[2]
_SCENARIOS = ("load", "complete", "runExample", "fail", "serviceDown", "comeBack", "unbuilt")


@pytest.fixture(scope="session")
async def service_url() -> AsyncIterator[str]:
    """The stand-in in a process of its own."""
    port = free_port()
    command = [
        "-m",
        "uvicorn",
        "--factory",
        "tests.browser.app:create_app",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    server = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=_ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        await _until_it_answers(url, server)
        yield url
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


@pytest.fixture(scope="session")
async def reports(service_url: str) -> Mapping[str, Report]:
    """A report for each scenario, all played in one browser."""
    return await visit(service_url, *_SCENARIOS)


async def _until_it_answers(url: str, server: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(base_url=url, trust_env=False) as client:
        while server.returncode is None:
            try:
                await client.get("/unbuilt")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
    pytest.fail("the stand-in service ended before it answered", pytrace=False)
