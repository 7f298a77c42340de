"""The service that the browser visits, and what its visits came to."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL

import httpx
import pytest

from tests.browser.driver import Report, visit
from tests.integration.graph.process import serving
from tests.integration.indexer.process import ROOT, Environment, environment_of, indexer, until
from tests.servers.ports import accepts, free_port
from tests.servers.process import ProcessGroup

USERS = 200

_SCENARIOS = ("load", "complete", "listUsers", "oneUser", "searchUsers", "fail", "serviceDown", "comeBack")


@pytest.fixture(scope="session")
async def service_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The service as `make run` starts it, with fewer users; every one of them is found."""
    folder = tmp_path_factory.mktemp("service")
    environment = environment_of({"DATA_DIR": str(folder / "data"), "ENVIRONMENT": "development"})
    await _fill(environment)
    async with (
        indexer(environment, folder / "indexer.log"),
        serving(folder / "data") as (_, client),
    ):
        await until(lambda: _all_are_found(client), "every user is found")
        yield str(client.base_url).rstrip("/")


@pytest.fixture(scope="session")
async def reports(service_url: str) -> Mapping[str, Report]:
    """A report for each scenario on the service, all played in one browser."""
    return await visit(service_url, *_SCENARIOS)


@pytest.fixture(scope="session")
async def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A visit to the page of a machine without Node."""
    async with _unbuilt_page(tmp_path_factory.mktemp("unbuilt")) as url:
        return (await visit(url, "unbuilt"))["unbuilt"]


async def _fill(environment: Environment) -> None:
    command = [sys.executable, "-m", "domain", "sample", "--count", str(USERS)]
    process = await asyncio.create_subprocess_exec(*command, env=environment, cwd=ROOT)
    assert await process.wait() == 0


async def _all_are_found(client: httpx.AsyncClient) -> bool:
    query = '{ searchUsers(query: "example") { totalCount } }'
    answer = (await client.post("/graphql", json={"query": query})).json()
    found = answer["data"]["searchUsers"]  # null until the indexer has made the index
    return bool(found and found["totalCount"] == USERS)  # all of them have an address there


@asynccontextmanager
async def _unbuilt_page(folder: Path) -> AsyncIterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "tests.browser.unbuilt:create_app", "--port", str(port)]
    page = ProcessGroup(command, log=folder / "log", environment=environment_of({}), cwd=ROOT)
    try:
        await until(lambda: accepts(port), "the page without GraphiQL is served")
        yield f"http://127.0.0.1:{port}"
    finally:
        page.signal(SIGKILL)
        await page.ended(20)
        page.release()
