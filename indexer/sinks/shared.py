"""A sink to which two tasks write, one at a time."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from domain.search.document import IndexEntry
from domain.search.index import Result
from indexer.sinks.sink import Sink


class SharedSink:
    """See Sink. A topic takes whatever comes last, so who reads a user to write it must be alone meanwhile."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[Sink]:
        """The sink, to which nobody else writes until exit."""
        async with self._lock:
            yield self._sink

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        async with self.alone() as sink:
            return await sink.write(entries, repair=repair)

    async def empty(self) -> bool:
        return await self._sink.empty()

    def held(self) -> AsyncGenerator[Sequence[tuple[str, int]]]:
        return self._sink.held()
