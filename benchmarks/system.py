"""The service as it runs: a filled store, the indexer and the API as processes of their own."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measure import BATCH, batches
from benchmarks.people import raw_rows
from benchmarks.servers import Environment
from domain.backends import open_backends, open_store
from domain.errors import SearchUnavailable
from domain.identity.verifier import development_token
from domain.settings import Settings
from domain.users.importing import RowOutcome
from tests.servers.ports import free_port
from tests.servers.process import ProcessGroup

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0
POLL_SECONDS = 0.05


def settings_of(environment: Environment) -> Settings:
    """The settings that a process with these variables has."""
    return Settings.model_validate({name.lower(): value for name, value in environment.items()})


async def filled(environment: Environment, count: int) -> None:
    """Import `count` generated users into the store."""
    async with open_store(settings_of({**environment, "STORE_TIMEOUT": "60"})) as backend:
        for rows in batches(raw_rows(count)):
            results = await backend.users.import_rows(rows, by="externalId")
            if any(result.outcome is not RowOutcome.CREATED for result in results):
                raise SystemExit("A row of the benchmark was not created.")


@asynccontextmanager
async def indexing(environment: Environment) -> AsyncIterator[float]:
    """The indexer, caught up with the store; how many seconds that took from its start."""
    begun = time.monotonic()
    async with child(environment, "indexer", "run", INDEXER_PORT="0"):
        await _caught_up(environment)
        yield time.monotonic() - begun


async def _caught_up(environment: Environment) -> None:
    """Wait until searches find the newest users: a pipeline writes the older ones before."""
    async with open_backends(settings_of({**environment, "STORE_TIMEOUT": "60"})) as backends:
        newest: Sequence[str] = []
        while users := await backends.store.scan(newest[-1] if newest else None, BATCH):
            newest = [*newest, *(user.id for user in users)][-BATCH:]
        found: Mapping[str, int] = {}
        while len(found) < len(newest):
            await asyncio.sleep(POLL_SECONDS)
            try:
                found = await backends.index.versions(newest)
            except SearchUnavailable:
                continue


class Api:
    """A client of a served API, with an administrator's token, on one connection."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The data of the answer; an error ends the benchmark."""
        response = await self._client.post("/graphql", json={"query": query, "variables": variables})
        body: dict[str, Any] = response.json()
        if "errors" in body or not body.get("data"):
            raise SystemExit(f"The API answered {body}.")
        found: dict[str, Any] = body["data"]
        return found


@asynccontextmanager
async def serving(environment: Environment) -> AsyncIterator[Api]:
    """The API, once it answers."""
    port = free_port()
    token = development_token(settings_of(environment), "benchmark", ["user:admin"], timedelta(hours=4))
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        child(environment, "graph", "serve", HOST="127.0.0.1", PORT=str(port)) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60, trust_env=False) as client,
    ):
        deadline = time.monotonic() + START_SECONDS
        while not await _answers(client):
            if process.exit_code is not None or time.monotonic() > deadline:
                raise SystemExit("The API did not start.")
            await asyncio.sleep(POLL_SECONDS)
        yield Api(client)


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).is_success
    except httpx.TransportError:
        return False


@asynccontextmanager
async def child(environment: Environment, module: str, *options: str, **more: str) -> AsyncIterator[ProcessGroup]:
    """`python -m module` with nothing of this process's settings but the path."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = ProcessGroup(
        [sys.executable, "-m", module, *options],
        log=Path(environment["DATA_DIR"]) / f"{module}.log",
        environment={**inherited, **environment, **more},
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.signal(signal.SIGTERM)
        if not await process.ended(30):
            process.signal(signal.SIGKILL)
            await process.ended(10)
        process.release()
