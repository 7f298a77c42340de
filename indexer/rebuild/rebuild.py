"""A rebuild: a new index is filled from the store, proved, and put behind the alias; nothing has to stop for it.

The order: new index, position noted, snapshot, catch-up, proof, swap. After the swap the feed is still followed into
the new index until no bulk that was under way at the swap can arrive in the old one any more. Interrupted anywhere it
goes on where it was; until the swap the alias is not touched.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from domain.backends import StoreBackend
from domain.clock import Clock, now
from domain.errors import SearchUnavailable
from domain.search.index import IndexCatalog, IndexInfo
from domain.users.filter import EVERYONE
from indexer.again import Again
from indexer.batching import Limits
from indexer.errors import RebuildFailed, RebuildUnderWay
from indexer.lease import Term
from indexer.pipeline import BUSY, Session
from indexer.projection import Projection
from indexer.rebuild.follower import Follower, following
from indexer.rebuild.letters import Remembered
from indexer.rebuild.state import KeptIndexes, State, States
from indexer.sinks.index import IndexSink
from indexer.sinks.shared import SharedSink
from indexer.sources.store import WAIT_SECONDS, StoreSource
from indexer.status import State as PipelineState
from indexer.status import Status
from indexer.verify.report import Report
from indexer.verify.verifier import verify

LEASE = "rebuild"
"""Its lease, which holds its checkpoint, too."""

LOOK_SECONDS = 0.2

log = structlog.get_logger()


class Phase(StrEnum):
    FILL = "filling the new index"
    CATCH_UP = "catching up"
    VERIFY = "comparing with the store"
    FOLLOW = "following after the swap"


Told = Callable[[Phase, int, int], None]
"""Called with the phase, how many users it has done, and of how many."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`index` serves now; `previous` did, and stay until `kept_until`.

    `proof` is the comparison before the swap, None where that was an earlier run's. `dead_letters`: how many users
    are not in it because their documents were refused.
    """

    index: str
    previous: Sequence[str]
    kept_until: datetime
    proof: Report | None
    dead_letters: int


class Rebuild:
    """One rebuild under `term` of the lease `LEASE`; `name` is the pipeline that else writes the index.

    `in_flight`: how long a bulk may be under way. `patience`: seconds, see verify. `keep`: how long the index that
    served is kept. `wait`: how long the feed waits for a change, in seconds.
    """

    def __init__(
        self,
        name: str,
        store: StoreBackend,
        catalog: IndexCatalog,
        term: Term,
        letters: Remembered,
        *,
        limits: Limits,
        in_flight: timedelta,
        patience: float,
        keep: timedelta,
        told: Told = lambda phase, done, total: None,
        clock: Clock = now,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._term = term
        self._letters = letters
        self._limits = limits
        self._in_flight = in_flight.total_seconds()
        self._patience = patience
        self._keep = keep
        self._told = told
        self._clock = clock
        self._wait = wait
        self._states = States(store.ledger)
        self._kept = KeptIndexes(store.ledger)
        self._projection = Projection(name, clock)

    async def run(self, onto: str | None = None) -> Rebuilt:
        """Rebuild into a new index, or `onto` one that is kept, which is brought up to date first.

        Raises RebuildFailed (the alias is untouched, the new index is gone) and RebuildUnderWay; after LeaseLost,
        StoreUnavailable, SearchUnavailable, IndexMismatch, KafkaUnavailable the next run goes on from here.
        """
        state, serves = await self._state(onto)
        try:
            return await self._rebuilt(state, serves=serves)
        except RebuildFailed:
            await abandon(self._store, self._catalog, self._term)
            raise

    async def _rebuilt(self, state: State, *, serves: bool) -> Rebuilt:
        proof = None
        async with self._catalog.writer(state.index) as writer:
            sink = SharedSink(IndexSink(writer))
            status = Status(self._projection.name)
            async with following(lambda stop: self._session(sink, status, stop).run(), status) as follower:
                if not serves:
                    proof = await self._swapped(state, sink, follower)
                await self._in_flight_arrived(follower)
        return await self._ended(state, proof)

    async def _state(self, onto: str | None) -> tuple[State, bool]:
        """What to rebuild into, and whether that serves already: then only the end is missing."""
        indexes = {info.name: info for info in await self._catalog.indexes()}
        state = await self._states.read()
        if state is not None and state.index in indexes and indexes[state.index].fits:
            if onto not in (None, state.index):
                raise RebuildUnderWay(state.index)
            log.info("rebuild goes on", index=state.index)
            return state, indexes[state.index].serving
        if state is not None:
            await abandon(self._store, self._catalog, self._term)  # another release's, or somebody has removed it
        serving = tuple(info.name for info in indexes.values() if info.serving)
        index = onto or await self._spare(list(indexes.values())) or await self._catalog.create()
        await self._term.commit(None)
        state = State(index, serving, self._keep.total_seconds())
        await self._states.write(state)
        log.info("rebuild begins", index=index, serving=serving)
        return state, False

    async def _spare(self, indexes: Sequence[IndexInfo]) -> str | None:
        """An index that was made when a rebuild broke off before it could note it: it fits, and nothing is in it."""
        kept = await self._kept.read()
        for info in indexes:
            if info.fits and not info.serving and info.name not in kept:
                async with self._catalog.view(info.name) as view:
                    if not await view.page(None, 1):
                        return info.name
        return None

    def _session(self, sink: SharedSink, status: Status, stop: asyncio.Event) -> Session[str]:
        store = self._store
        source = StoreSource(
            store.store, store.feed, self._term, sink, self._projection, limit=self._limits.count, wait=self._wait
        )
        return Session(source, sink, self._letters, limits=self._limits, status=status, stop=stop, clock=self._clock)

    async def _swapped(self, state: State, sink: SharedSink, follower: Follower) -> Report:
        await self._filled(follower)
        proof = await self._proved(state, sink)
        until = self._clock() + timedelta(seconds=state.keep_seconds)
        for name in state.previous:
            await self._kept.keep(name, until)
        await self._catalog.serve(state.index)
        await self._kept.forget(state.index)
        log.info("rebuild serves", index=state.index, users=proof.users)
        return proof

    async def _filled(self, follower: Follower) -> None:
        total = await self._store.store.count(EVERYONE)
        caught_up = asyncio.create_task(follower.caught_up())
        try:
            while not caught_up.done():
                is_filled = follower.status.state is PipelineState.RUNNING
                self._told(Phase.CATCH_UP if is_filled else Phase.FILL, min(follower.status.read, total), total)
                await asyncio.wait({caught_up}, timeout=LOOK_SECONDS)
            caught_up.result()
        finally:
            caught_up.cancel()
            await asyncio.gather(caught_up, return_exceptions=True)

    async def _proved(self, state: State, sink: SharedSink) -> Report:
        """Raises RebuildFailed if the index is not what the store is."""
        total = await self._store.store.count(EVERYONE)
        again = Again(self._store.store, sink, self._letters, self._projection)
        report = await verify(
            self._store.store,
            self._catalog,
            state.index,
            patience=self._patience,
            dead_letter_ids=self._letters.ids,
            progress=lambda done, _: self._told(Phase.VERIFY, done, total),
            repair=lambda held: _repaired(again, held),
        )
        if report.unexplained:
            raise RebuildFailed(state.index, report.unexplained)
        return report

    async def _in_flight_arrived(self, follower: Follower) -> None:
        """A bulk that was under way at the swap may end in the old index: what it says has to come here, too."""
        self._told(Phase.FOLLOW, 0, 0)
        await asyncio.sleep(self._in_flight)
        await follower.caught_up()

    async def _ended(self, state: State, proof: Report | None) -> Rebuilt:
        until = self._clock() + timedelta(seconds=state.keep_seconds)
        for name in state.previous:
            await self._kept.keep(name, until)
        await self._states.clear()
        await self._term.commit(None)
        log.info("rebuild ended", index=state.index)
        return Rebuilt(state.index, state.previous, until, proof, len(self._letters.ids))


async def _repaired(again: Again, held: Mapping[str, int]) -> None:
    if not await again.write(held):
        raise SearchUnavailable(BUSY)


async def abandon(store: StoreBackend, catalog: IndexCatalog, term: Term) -> str | None:
    """Give up a rebuild that is under way: its index, unless it serves or was kept before, is dropped; its name."""
    states = States(store.ledger)
    state = await states.read()
    if state is None:
        return None
    kept = await KeptIndexes(store.ledger).read()
    serving = {info.name for info in await catalog.indexes() if info.serving}
    if state.index not in serving and state.index not in kept:
        await catalog.drop(state.index)
    await states.clear()
    await term.commit(None)
    log.info("rebuild given up", index=state.index)
    return state.index
