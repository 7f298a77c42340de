"""Waiting for a process of the indexer: until it waits for something itself, and until it has delivered."""

import asyncio
import json
from collections.abc import Mapping, Sequence

import httpx

from domain.backends import Backends
from domain.errors import SearchUnavailable
from tests.integration.indexer.process import Environment, until

SECONDS = 60.0
"""Longer than the longest pause of a pipeline, on a busy machine."""


async def in_backoff(environment: Environment, told: Mapping[str, str]) -> None:
    """Wait until these pipelines, and no others, wait in backoff and say why; the process is alive meanwhile."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{environment['INDEXER_PORT']}", trust_env=False) as client:

        async def wait() -> bool:
            await asyncio.sleep(0.1)
            try:
                ready, live = await client.get("/readyz"), await client.get("/livez")
                pipelines = ready.json()["pipelines"]
            except (httpx.TransportError, json.JSONDecodeError):
                return False
            assert live.status_code == 200
            errors = {one["pipeline"]: one["error"] for one in pipelines if one["state"] == "backoff"}
            return errors.keys() == told.keys() and all(why in errors[name] for name, why in told.items())

        await until(wait, f"the process waits and says {told}", SECONDS)


async def in_the_index(backends: Backends, ids: Sequence[str]) -> None:
    """Wait until all of `ids` are there."""

    async def there() -> bool:
        await asyncio.sleep(0.1)
        try:
            return len(await backends.index.versions(ids)) == len(ids)
        except SearchUnavailable:
            return False

    await until(there, "the users are in the index", SECONDS)
