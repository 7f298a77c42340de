"""`python -m indexer run` as a process of its own, and waiting for what it does."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from domain.settings import Settings
from tests.servers.process import ProcessGroup

ROOT = Path(__file__).parents[3]
SECONDS = 40.0

Environment = Mapping[str, str]


class IndexerProcess:
    """Started at once; its log is `log`."""

    def __init__(self, environment: Environment, log: Path, *options: str) -> None:
        self.log = log
        self._group = ProcessGroup(
            [sys.executable, "-m", "indexer", "run", *options], log=log, environment=environment, cwd=ROOT
        )

    @property
    def exit_code(self) -> int | None:
        return self._group.exit_code

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        """Signal it, and wait until it is gone; its exit code."""
        self._group.signal(number)
        assert await self._group.ended(20), self.log.read_text()
        self._group.release()
        return self.exit_code

    async def pause(self) -> None:
        self._group.signal(signal.SIGSTOP)
        assert await self._group.paused(5)

    def resume(self) -> None:
        self._group.signal(signal.SIGCONT)

    async def kill(self) -> None:
        await self.end(signal.SIGKILL)


@contextlib.asynccontextmanager
async def indexer(environment: Environment, log: Path, *options: str) -> AsyncIterator[IndexerProcess]:
    """A process that is killed at exit, if it still runs."""
    process = IndexerProcess(environment, log, *options)
    try:
        yield process
    finally:
        if process.exit_code is None:
            await process.kill()


def environment_of(given: Mapping[str, str]) -> Environment:
    """This process's environment without settings of another mode, and `given`."""
    parts = ("MONGODB_URL", "ELASTICSEARCH_URL", "KAFKA_BOOTSTRAP_SERVERS")
    inherited = {name: value for name, value in os.environ.items() if name not in parts}
    common = {"INDEXER_PORT": "0", "HOST": "127.0.0.1", "LEASE_DURATION": "1.5", "SEARCH_REFRESH_INTERVAL": "0.1"}
    secret = {"CHANGE_TOKEN_SECRET": "only for tests, and long enough", "SEARCH_REPLICAS": "0", "KAFKA_PARTITIONS": "3"}
    return {**inherited, **common, **secret, **given}


def settings_of(environment: Environment) -> Settings:
    """The settings that a process with `environment` has."""
    known = {name.upper(): name for name in Settings.model_fields}
    values = {known[name]: value for name, value in environment.items() if name in known}
    return Settings.model_validate(values)


async def until(done: Callable[[], Awaitable[bool]], what: str, seconds: float = SECONDS) -> float:
    """Wait until `done`; how many seconds it took."""
    begun = time.monotonic()
    while not await done():
        assert time.monotonic() - begun < seconds, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.02)
    return time.monotonic() - begun
