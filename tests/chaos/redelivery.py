"""How much was delivered twice: the topic's repeated records, and index writes that found what they said there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import httpx

EVERY_SECONDS = 0.5


class StaleWrites:
    """Counts them by asking indexers; what a process counted between the last answer and its death is not seen."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._last = dict.fromkeys(ports, 0)
        self._of_the_dead = 0

    @property
    def count(self) -> int:
        return self._of_the_dead + sum(self._last.values())

    def saw(self, port: int, count: int) -> None:
        """A process on `port` says that it has met `count`; one that says less than before is a new one."""
        if count < self._last[port]:
            self._of_the_dead += self._last[port]
        self._last[port] = count

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Ask until exit."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _watch(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=1.0) as client:
            while True:
                for port in self._last:
                    with contextlib.suppress(httpx.HTTPError):
                        answer = await client.get(f"http://127.0.0.1:{port}/readyz")
                        self.saw(port, sum(pipeline["stale"] for pipeline in answer.json()["pipelines"]))
                await asyncio.sleep(EVERY_SECONDS)
