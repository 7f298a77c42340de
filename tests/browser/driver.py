"""Drives a real Chromium, through Node, by the scenarios of `scenarios.mjs`."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fixtures.npm import install_packages
from tests.servers.fixtures import refuse

_FOLDER = Path(__file__).parent
_MANIFEST = _FOLDER.parents[1] / "graph/graphiql/dist/manifest.json"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT = 240.0  # seconds for all scenarios of one call


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


async def visit(url: str, *scenarios: str) -> Mapping[str, Report]:
    """Play scenarios one after the other, each in a fresh profile, on the service at `url`; a report for each.

    Skips the test (or fails it, see `refuse`) where there is no browser, no Node or no built page. With SCREENSHOT in
    the environment, `searchUsers` keeps a picture in the file of that name.
    """
    browser = await asyncio.to_thread(_prepare)
    process = await asyncio.create_subprocess_exec(
        "node", "visit.mjs", browser, url, *scenarios, cwd=_FOLDER, stdout=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_TIMEOUT):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()  # on which the driver closes the browser
            await process.wait()
    assert process.returncode == 0, "the browser's driver failed; it says why on standard error"
    return {name: _report(fields) for name, fields in json.loads(output).items()}


def _report(fields: dict[str, Any]) -> Report:
    return Report(**{**fields, "requests": [Request(**request) for request in fields["requests"]]})


def _prepare() -> str:
    """The browser's path, once all that a visit needs is there."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        refuse("browser", "no Chromium: install Debian's package chromium")
    if not _MANIFEST.exists():
        refuse("browser", "GraphiQL is not built: run make graphiql")
    install_packages(_FOLDER)
    return str(browser)
