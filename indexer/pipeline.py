"""One session of a pipeline: read, batch, write, commit, until it is told to stop or something must begin anew.

A reader task stays a few parts ahead; when the queue is full it waits, and so does the source. Nothing is dropped: what
has not been delivered when a session ends is read again by the next one, from the last checkpoint.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic

import structlog

from domain.clock import Clock, now
from domain.errors import SearchUnavailable, ServiceError
from domain.search.document import IndexEntry
from domain.search.index import Outcome, Result
from indexer import batching, retry
from indexer.batching import Batch, Limits, Part
from indexer.checkpoints import Checkpoints
from indexer.dead_letters import DeadLetter, DeadLetters
from indexer.errors import BatchExpired
from indexer.pace import Pace
from indexer.sinks.sink import Sink
from indexer.sources.source import Position, Source
from indexer.status import State, Status

MAX_AGE_SECONDS = 300.0
"""An index forgets the versions of deletions after an hour (as we set it): what is old is not sent any more."""

PARTS_AHEAD = 2

LAG_SECONDS = 5.0
"""How often the source is asked how far it is behind: never for a batch."""

BUSY = "The sink is busy: it takes some of the batch later."

log = structlog.get_logger()


class Session(Generic[Position]):
    """Runs once. `pause(seconds)` waits, at most until `stop` is set; after `max_age` seconds a batch is not sent."""

    def __init__(
        self,
        source: Source[Position],
        sink: Sink,
        dead_letters: DeadLetters,
        *,
        limits: Limits,
        status: Status,
        stop: asyncio.Event,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Clock = now,
        pause: Callable[[float], Awaitable[None]] | None = None,
        max_age: float = MAX_AGE_SECONDS,
    ) -> None:
        self._source = source
        self._sink = sink
        self._dead_letters = dead_letters
        self._limits = limits
        self._status = status
        self._stop = stop
        self._monotonic = monotonic
        self._clock = clock
        self._pause = pause or self._pause_or_stop
        self._max_age = max_age
        self._parts: asyncio.Queue[Part[Position]] = asyncio.Queue(PARTS_AHEAD)
        self._held_back: Part[Position] | None = None
        self._undelivered = 0
        self._pace = Pace.full(limits.count)
        self._checkpoints = Checkpoints(self._commit, monotonic=monotonic)

    async def run(self) -> None:
        """Return once `stop` is set and all that was read by then is delivered and committed.

        Raises what the source raises, and what of the sink is not to be tried again (see retry.remedy).
        """
        reader = asyncio.create_task(self._read_ahead())
        stopping = asyncio.create_task(self._stop.wait())
        measuring = asyncio.create_task(self._measure())
        try:
            while (part := await self._next_part(reader, stopping)) is not None:
                batch = await self._fill(batching.begin(part))
                await self._deliver(batch)
                await self._checkpoints.save()
            await self._checkpoints.save(now=True)
        finally:
            for task in (reader, stopping, measuring):
                task.cancel()
            await asyncio.gather(reader, stopping, measuring, return_exceptions=True)
            self._status.lag_records = None

    async def _measure(self) -> None:
        """Now and then, without end: how much there is that is not delivered."""
        while True:
            try:
                behind = await self._source.lag()
            except ServiceError:  # whoever reads meets it, too
                behind = None
            self._status.lag_records = None if behind is None else behind + self._undelivered
            await asyncio.sleep(LAG_SECONDS)

    async def _read_ahead(self) -> None:
        async with contextlib.aclosing(self._source.chunks()) as chunks:
            async for chunk in chunks:
                self._status.read += len(chunk.entries)
                self._undelivered += len(chunk.entries)
                read_at = self._monotonic()
                for part in batching.split(chunk, self._limits, read_at):
                    self._status.read_bytes += part.bytes
                    await self._parts.put(part)

    async def _next_part(self, reader: asyncio.Task[None], stopping: asyncio.Task[bool]) -> Part[Position] | None:
        """What was read next; None once the reading has stopped and all of it was taken."""
        self._status.turn()
        if self._held_back is not None:
            part, self._held_back = self._held_back, None
            return part
        if self._parts.empty() and not self._stop.is_set():
            get = asyncio.create_task(self._parts.get())
            try:
                await asyncio.wait({get, reader, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if get.done():
                    return get.result()
            finally:
                get.cancel()
        if reader.done() and not self._stop.is_set():
            reader.result()  # a source ends by its error only
        if self._stop.is_set():
            reader.cancel()
        return None if self._parts.empty() else self._parts.get_nowait()

    async def _fill(self, batch: Batch[Position]) -> Batch[Position]:
        """`batch` with what else has been read, or is within the time for which it may wait."""
        while not self._stop.is_set() or not self._parts.empty():
            try:
                due_in = batching.due_in(batch, self._limits, self._monotonic())
                if self._parts.empty() and due_in > 0:
                    part = await asyncio.wait_for(self._parts.get(), due_in)
                else:
                    part = self._parts.get_nowait()
            except (asyncio.QueueEmpty, TimeoutError):
                break
            if not batching.fits(batch, part, self._limits):
                self._held_back = part
                break
            batch = batching.join(batch, part)
        return batch

    async def _deliver(self, batch: Batch[Position]) -> None:
        status = self._status
        if batch.entries or batch.refused:
            status.pending_since = batch.since or status.pending_since
            await self._bury(batch.refused)
            await self._write(batch)
            self._undelivered -= batch.count
            status.delivered_bytes += batch.bytes
        if batch.position is not None:
            self._checkpoints.delivered(batch.position, changes=bool(batch.count or batch.refused))
        status.as_of = status.as_of if batch.as_of is None else batch.as_of
        status.state = State.RESYNC if batch.snapshot else State.RUNNING
        status.error = ""
        status.ran()
        if self._parts.empty() and self._held_back is None:
            status.pending_since = None

    async def _write(self, batch: Batch[Position]) -> None:
        """Write until every entry is delivered, stale or dead: what was busy is written again, less at once."""
        rest, attempts = list(batch.entries), 0
        while rest:
            age = self._monotonic() - batch.read_at
            if age > self._max_age:
                raise BatchExpired(age)
            attempts += 1
            self._status.turn()
            sent, later = rest[: self._pace.size], rest[self._pace.size :]
            busy, error = await self._attempt(sent, attempts)
            if busy:
                if self._stop.is_set():
                    raise error or SearchUnavailable(BUSY)
                self._pace = self._pace.slower()
                attempts = attempts if len(busy) == len(sent) else 1
                await self._back_off(attempts, error)
            else:
                self._pace, attempts = self._pace.faster(), 0
            rest = busy + later

    async def _attempt(self, entries: list[IndexEntry], attempts: int) -> tuple[list[IndexEntry], Exception | None]:
        """The entries to be written again, and why if all of them."""
        try:
            results = await self._sink.write(entries)
        except Exception as exc:
            if retry.remedy(exc) is not retry.Remedy.AGAIN:
                raise
            return entries, exc
        return await self._account(entries, results, attempts), None

    async def _account(
        self, entries: Sequence[IndexEntry], results: Sequence[Result], attempts: int
    ) -> list[IndexEntry]:
        busy: list[IndexEntry] = []
        rejected: list[DeadLetter] = []
        for entry, result in zip(entries, results, strict=True):
            match result.outcome:
                case Outcome.APPLIED:
                    self._status.written += 1
                case Outcome.STALE:
                    self._status.stale += 1
                case Outcome.BUSY:
                    busy.append(entry)
                case Outcome.REJECTED:
                    name, at = self._status.name, self._clock()
                    rejected.append(DeadLetter(entry.id, entry.version, name, result.reason, attempts, at))
        await self._bury(rejected)
        return busy

    async def _bury(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            await self._dead_letters.add(letters)
            self._status.dead_letters += len(letters)
            for letter in letters:
                log.error(
                    "dead letter", user=letter.id, version=letter.version, origin=letter.origin, reason=letter.reason
                )

    async def _back_off(self, attempts: int, error: Exception | None) -> None:
        seconds = retry.delay(attempts)
        self._status.state = State.BACKOFF
        self._status.retries += 1
        self._status.error = str(error or BUSY)
        self._status.turn()
        log.warning("write again", pipeline=self._status.name, in_seconds=round(seconds, 2), why=self._status.error)
        await self._pause(seconds)

    async def _pause_or_stop(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _commit(self, position: Position) -> None:
        await self._source.commit(position)
        self._status.committed()
