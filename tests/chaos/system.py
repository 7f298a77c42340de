"""The whole service as processes, each of which can be killed and started again."""

import contextlib
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals
from typing import Protocol

from domain.settings import Mode, Settings
from tests.integration.indexer.process import ROOT, Environment, settings_of
from tests.servers.ports import accepts, free_port
from tests.servers.process import ProcessGroup

INDEXERS: Mapping[Mode, Mapping[str, Sequence[str]]] = {
    Mode.EMBEDDED: {"indexer": ()},
    Mode.WITHOUT_KAFKA: {"indexer": ()},
    Mode.CLUSTER: {
        "relay": ("--from", "mongo", "--to", "kafka"),
        "indexer": ("--from", "kafka", "--to", "elasticsearch"),
    },
}


class Part(Protocol):
    """A process of the service, or a server it needs."""

    async def start(self) -> None: ...

    async def kill(self) -> None:
        """SIGKILL; returns when it is gone."""

    async def pause(self) -> None:
        """SIGSTOP; returns when all of it has stopped."""

    async def resume(self) -> None:
        """SIGCONT."""


class Program:
    """One of the service's own processes; `start` does not wait until it is ready."""

    def __init__(self, environment: Environment, log: Path, *arguments: str) -> None:
        self._environment = environment
        self._log = log
        self._arguments = arguments
        self._group: ProcessGroup | None = None

    async def start(self) -> None:
        command = [sys.executable, "-m", *self._arguments]
        self._group = ProcessGroup(command, log=self._log, environment=self._environment, cwd=ROOT)

    async def kill(self) -> None:
        await self._end(SIGKILL)

    async def pause(self) -> None:
        group = self._running()
        group.signal(SIGSTOP)
        assert await group.paused(20), f"{self._arguments} did not stop"

    async def resume(self) -> None:
        group = self._running()
        group.signal(SIGCONT)
        assert await group.resumed(20), f"{self._arguments} did not go on"

    async def stop(self) -> None:
        """SIGTERM; fails if it does not end well."""
        assert await self._end(SIGTERM) == 0, self._log.read_text()

    def _running(self) -> ProcessGroup:
        assert self._group is not None, f"{self._arguments} does not run"
        return self._group

    async def _end(self, number: Signals) -> int | None:
        group, self._group = self._group, None
        if group is None:
            return 0
        group.signal(number)
        ended = await group.ended(20)
        if not ended:
            group.signal(SIGKILL)
            await group.ended(20)
        group.release()
        assert ended, f"{self._arguments} did not end: {self._log.read_text()}"
        return group.exit_code


class System:
    """The service's own processes of one mode, by name: the API, and what indexes (with `spares`, two of each)."""

    def __init__(self, environment: Environment, folder: Path, *, spares: bool = False) -> None:
        self.environment: Environment = {
            "DATA_DIR": str(folder / "data"),
            **environment,
            "ENVIRONMENT": "development",
            "PORT": str(free_port()),
        }
        self.settings: Settings = settings_of(self.environment)
        self.api = Program(self.environment, folder / "api.log", "graph", "serve")
        self.indexers: dict[str, Program] = {}
        self.health_ports: list[int] = []
        for name, options in INDEXERS[self.settings.mode].items():
            for number in (1, 2) if spares else (1,):
                label = f"{name} {number}" if spares else name
                port = free_port()
                own = {**self.environment, "INDEXER_PORT": str(port)}
                self.health_ports.append(port)
                self.indexers[label] = Program(own, folder / f"{label}.log", "indexer", "run", *options)

    async def answers(self) -> bool:
        """Whether the API listens."""
        return await accepts(self.settings.port)


@contextlib.asynccontextmanager
async def running(environment: Environment, folder: Path, *, spares: bool = False) -> AsyncIterator[System]:
    """A system whose processes are started, and killed at exit."""
    system = System(environment, folder, spares=spares)
    programs = (system.api, *system.indexers.values())
    try:
        for program in programs:
            await program.start()
        yield system
    finally:
        for program in programs:
            await program.kill()
