"""Front ends that ask all the while, each its next question as soon as it has an answer."""

import asyncio
import statistics
import time
from collections import Counter

import httpx

from tests.cluster.front_end import FrontEnd

_PAUSE = 0.02  # seconds between an answer and the next question


class Callers:
    """So many at a time, until exit. `failures` counts answers that lack anything, by what is wrong with them."""

    def __init__(self, front_end: FrontEnd, count: int = 4) -> None:
        self._front_end = front_end
        self._count = count
        self._tasks: list[asyncio.Task[None]] = []
        self._leaving = False
        self._seconds: list[float] = []
        self.failures = Counter[str]()

    async def __aenter__(self) -> "Callers":
        self._tasks = [asyncio.create_task(self._call()) for _ in range(self._count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving = True
        await asyncio.gather(*self._tasks)

    def __str__(self) -> str:
        percentiles = [seconds * 1000 for seconds in statistics.quantiles(self._seconds, n=100)]
        counts = f"{len(self._seconds)} requests, {self.failures.total()} failed"
        return f"{counts}; p50 {percentiles[49]:.0f} ms, p99 {percentiles[98]:.0f} ms"

    async def _call(self) -> None:
        while not self._leaving:
            begun = time.perf_counter()
            if wrong := await self._wrong():
                self.failures[wrong] += 1
            self._seconds.append(time.perf_counter() - begun)
            await asyncio.sleep(_PAUSE)

    async def _wrong(self) -> str | None:
        try:
            answer = await self._front_end.ask()
        except httpx.HTTPError as exc:
            return repr(exc)
        if "errors" in answer:
            return ", ".join(sorted({error["message"] for error in answer["errors"]}))
        complete = all(edge["node"]["posts"] is not None for edge in answer["data"]["users"]["edges"])
        return None if complete else "users without posts, and without an error"
