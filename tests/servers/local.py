"""The life of a server on this machine; each server adds its command line and how one sees that it answers."""

import asyncio
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.servers import cache
from tests.servers.ports import accepts, free_port
from tests.servers.process import ProcessGroup
from tests.servers.server import NotRunningError, StartError


class LocalServer(ABC):
    """A `Server` run from the cache; subclasses say what differs."""

    name: str
    version: ClassVar[str]
    start_timeout: ClassVar[float] = 240.0  # seconds, on a busy machine
    stop_timeout: ClassVar[float] = 20.0

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port or free_port()
        self._group: ProcessGroup | None = None

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """Why this server cannot run here, and what to do about it, or nothing."""

    @classmethod
    def install(cls) -> None:
        """Download it once into the cache; raises InstallError."""
        cache.install(cls.name, cls.version, cls._fill)

    @classmethod
    def home(cls) -> Path:
        """The folder it is installed in."""
        return cache.home(cls.name, cls.version)

    @classmethod
    def installed(cls) -> bool:
        return cls.home().exists()

    @classmethod
    @abstractmethod
    def _fill(cls, folder: Path) -> None:
        """Download what it needs into an empty folder."""

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def _command(self) -> Sequence[str]: ...

    @abstractmethod
    async def _answers(self) -> bool:
        """Whether a client can use the server that listens; never raises for one that is not ready yet."""

    @abstractmethod
    async def _prepare(self) -> None:
        """Write what the server reads at its start; the data folder exists."""

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    def _cwd(self) -> Path:
        return self.data_dir

    @property
    def log(self) -> Path:
        """What the server writes to its standard output and error."""
        return self.data_dir / f"{self.name}.log"

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def exit_code(self) -> int | None:
        """What the process ended with, or nothing while it runs."""
        return self._running().exit_code

    async def start(self) -> None:
        await self.stop()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        await self._prepare()
        self._group = ProcessGroup(self._command(), log=self.log, environment=self._environment(), cwd=self._cwd())
        try:
            await self._wait_until_it_answers(self._group)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        if self._group is None:
            return
        await self.resume()  # a paused process would not see SIGTERM; one just waking up may miss it
        self._group.signal(signal.SIGTERM)
        if await self._group.ended(self.stop_timeout):
            self._forget()
        else:
            await self.kill()

    async def kill(self) -> None:
        if self._group is None:
            return
        self._group.signal(signal.SIGKILL)
        if not await self._group.ended(self.stop_timeout):
            raise StartError(self.name, "survived SIGKILL", self.log)
        self._forget()

    async def pause(self) -> None:
        group = self._running()
        group.signal(signal.SIGSTOP)
        if not await group.paused(self.stop_timeout):
            raise StartError(self.name, "did not pause", self.log)

    async def resume(self) -> None:
        group = self._running()
        group.signal(signal.SIGCONT)
        if not await group.resumed(self.stop_timeout):
            raise StartError(self.name, "did not resume", self.log)

    async def _wait_until_it_answers(self, group: ProcessGroup) -> None:
        deadline = asyncio.get_running_loop().time() + self.start_timeout
        while group.exit_code is None:
            # The clients are not asked before somebody listens: refused connections they log, or leave unclosed.
            if await accepts(self.port) and await self._answers():
                return
            if asyncio.get_running_loop().time() > deadline:
                raise StartError(self.name, f"did not answer within {self.start_timeout:.0f} s", self.log)
            await asyncio.sleep(0.1)
        raise StartError(self.name, f"ended with {group.exit_code}", self.log)

    def _running(self) -> ProcessGroup:
        if self._group is None:
            raise NotRunningError(self.name)
        return self._group

    def _forget(self) -> None:
        self._running().release()
        self._group = None
