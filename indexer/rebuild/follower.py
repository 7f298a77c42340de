"""The store, followed into an index by a pipeline of its own: first all of it, then every change."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from indexer.status import Status
from indexer.supervisor import supervise

LOOK_SECONDS = 0.1


class Follower:
    """Runs while `following` is open."""

    def __init__(self, status: Status, task: "asyncio.Task[None]") -> None:
        self.status = status
        self._task = task

    async def caught_up(self) -> None:
        """Wait until every change that is acknowledged by now is in the index. Raises what has ended the pipeline."""
        asked_at = time.monotonic()
        while self.status.as_of is None or self.status.as_of < asked_at:
            if self._task.done():
                self._task.result()
                raise RuntimeError("the pipeline of a rebuild has stopped by itself")
            await asyncio.sleep(LOOK_SECONDS)


@contextlib.asynccontextmanager
async def following(session: Callable[[asyncio.Event], Awaitable[None]], status: Status) -> AsyncIterator[Follower]:
    """Run `session` (until the event it is given) again and again; at a good end, what is read is still delivered."""
    stop = asyncio.Event()
    task = asyncio.create_task(supervise(lambda: session(stop), status, stop))
    try:
        yield Follower(status, task)
        stop.set()
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
