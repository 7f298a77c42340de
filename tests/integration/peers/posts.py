"""The example peer as processes of its own, which a test may stop, pause and start again."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

from tests.integration.indexer.process import ROOT, environment_of, until
from tests.servers.ports import accepts, free_port
from tests.servers.process import ProcessGroup

_END_TIMEOUT = 20


class Posts:
    """One instance of the example, on a port that it keeps."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._log = folder / f"posts-{self.port}.log"
        self._process: ProcessGroup | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Return once it listens."""
        command = [sys.executable, "-m", "examples.posts", "--port", str(self.port)]
        self._process = ProcessGroup(command, log=self._log, environment=environment_of({}), cwd=ROOT)
        await until(lambda: accepts(self.port), f"the posts listen on {self.port}")

    async def kill(self) -> None:
        if self._process is not None:
            self._process.signal(SIGKILL)
            await self._process.ended(_END_TIMEOUT)
            self._process.release()
            self._process = None

    def pause(self) -> None:
        if self._process is not None:
            self._process.signal(SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.signal(SIGCONT)


@asynccontextmanager
async def instances(folder: Path, count: int) -> AsyncIterator[list[Posts]]:
    """So many instances that answer."""
    all_of_them = [Posts(folder) for _ in range(count)]
    try:
        await asyncio.gather(*(each.start() for each in all_of_them))
        yield all_of_them
    finally:
        await asyncio.gather(*(each.kill() for each in all_of_them))
