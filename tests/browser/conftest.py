"""Lends tests a browser's view of the service: what a person saw who did one thing with the page."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers.fixtures import refuse
from tests.servers.ports import free_port

_FOLDER = Path(__file__).parent
_ROOT = _FOLDER.parents[1]
_SCENARIOS = ("load", "complete", "runExample", "fail", "comeBack", "unbuilt")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Request:
    url: str
    authorization: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """One visit: what it came to, and all that the browser complained of and asked for on the way."""

    value: Any
    failure: str | None
    problems: list[str]
    requests: list[Request]


@pytest.fixture(scope="session")
async def service_url() -> AsyncIterator[str]:
    """The stand-in service in a process of its own."""
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
    """One report for each scenario of `scenarios.mjs`; SCREENSHOT in the environment keeps a picture of one of them."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        refuse("browser", "no Chromium: install Debian's package chromium")
    if not (_ROOT / "graph/graphiql/dist/manifest.json").exists():
        refuse("browser", "GraphiQL is not built: run make graphiql")
    await asyncio.to_thread(_install_driver)
    visit = await asyncio.create_subprocess_exec(
        "node", "visit.mjs", str(browser), service_url, *_SCENARIOS, cwd=_FOLDER, stdout=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(180):
            output, _ = await visit.communicate()
    finally:
        if visit.returncode is None:
            visit.terminate()  # on which the driver closes the browser
            await visit.wait()
    assert visit.returncode == 0, "the browser's driver failed; it says why on standard error"
    return {name: _report(fields) for name, fields in json.loads(output).items()}


def _report(fields: dict[str, Any]) -> Report:
    return Report(**{**fields, "requests": [Request(**request) for request in fields["requests"]]})


def _install_driver() -> None:
    """`npm ci` of the driver's library, unless what is there is the lockfile's."""
    npm = shutil.which("npm")
    if npm is None:
        refuse("browser", "no npm: install Node 20 or newer")
    lock, installed = _FOLDER / "package-lock.json", _FOLDER / "node_modules/.package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    done = subprocess.run([str(npm), "ci"], cwd=_FOLDER, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        refuse("browser", f"npm ci failed: {done.stderr[-300:]}")


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
