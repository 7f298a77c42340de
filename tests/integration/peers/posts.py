"""The example peer as processes of its own, which a test may stop, pause and start again."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals

from tests.integration.indexer.process import ROOT, environment_of, until
from tests.servers.ports import accepts, free_port
from tests.servers.process import ProcessGroup

_END_TIMEOUT = 20


class Posts:
    """One instance of the example, at an address that it keeps."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int | None = None) -> None:
        self.host = host
        self.port = port or free_port()
        self._log = folder / f"posts-{host}-{self.port}.log"
        self._process: ProcessGroup | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    async def start(self) -> None:
        """Return once it listens."""
        command = [sys.executable, "-m", "examples.posts", "--host", self.host, "--port", str(self.port)]
        self._process = ProcessGroup(command, log=self._log, environment=environment_of({}), cwd=ROOT)
        await until(lambda: accepts(self.port, self.host), f"the posts listen on {self.address}")

    async def stop(self) -> None:
        """As a pod is asked to end: what is under way is answered."""
        await self._end(SIGTERM)

    async def kill(self) -> None:
        await self._end(SIGKILL)

    def pause(self) -> None:
        if self._process is not None:
            self._process.signal(SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.signal(SIGCONT)

    async def _end(self, by: Signals) -> None:
        if self._process is not None:
            self._process.signal(by)
            assert await self._process.ended(_END_TIMEOUT), f"the posts on {self.address} have not ended"
            self._process.release()
            self._process = None


@asynccontextmanager
async def instances(folder: Path, count: int) -> AsyncIterator[list[Posts]]:
    """So many instances that answer."""
    all_of_them = [Posts(folder) for _ in range(count)]
    try:
        await asyncio.gather(*(each.start() for each in all_of_them))
        yield all_of_them
    finally:
        await asyncio.gather(*(each.kill() for each in all_of_them))
