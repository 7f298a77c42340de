"""Sample after sample of store and index: slice by slice through all of them, and at random between."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from ulid import ULID

from domain.clock import now
from domain.errors import ServiceError
from domain.search.index import IndexCatalog
from domain.users.store import UserStore
from indexer.verify.drift import Drift, Kind, compare, judge
from indexer.verify.serving import serving
from indexer.verify.suspects import PORTION, Suspects
from indexer.verify.windows import PAGE, windows

MOST_KNOWN = 10_000
STUCK_SECONDS = 60.0

log = structlog.get_logger()


class Watch:
    """`sample`: users of a slice. Drift is known from when it is confirmed until a later look finds the users level."""

    def __init__(
        self,
        store: UserStore,
        catalog: IndexCatalog,
        *,
        sample: int,
        patience: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[int, int], int] = random.randint,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._sample = sample
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep
        self._draw = draw
        self._known: dict[str, Drift] = {}
        self._cursor: str | None = None
        self._turned_at = monotonic()
        self._passed_at: float | None = None
        self.verified = 0
        self.passes = 0
        self.failures = 0

    @property
    def drift(self) -> Mapping[Kind, int]:
        """How many users are known to differ; of more than 10,000 the others are not remembered."""
        counts = Counter(drift.kind for drift in self._known.values())
        return {kind: counts[kind] for kind in Kind}

    @property
    def pass_age_seconds(self) -> float | None:
        """Since the slices last came to the end of store and index; None before the first time."""
        return None if self._passed_at is None else self._monotonic() - self._passed_at

    @property
    def stuck(self) -> bool:
        """Whether nothing has moved for so long that only a new process can help."""
        return self._monotonic() - self._turned_at > STUCK_SECONDS

    async def run(self, every: float) -> None:
        """Round after round, without end, `every` so many seconds; what fails is tried again in the next one."""
        while True:
            try:
                await self.round()
            except ServiceError as exc:
                self.failures += 1
                log.warning("sample not compared", why=str(exc))
            await self._pause(every)

    async def round(self) -> None:
        """Look again at what is known to differ, then compare the next slice, then one at random.

        Raises StoreUnavailable, SearchUnavailable, IndexMismatch.
        """
        index = (await serving(self._catalog)).name
        await self._look_again(index)
        self._cursor = await self._compare(index, self._cursor)
        if self._cursor is None:
            self.passes += 1
            self._passed_at = self._monotonic()
        start = await self._random_id()
        if start is not None:
            await self._compare(index, start)

    async def _look_again(self, index: str) -> None:
        ids = list(self._known)
        for begin in range(0, len(ids), PORTION):
            portion = ids[begin : begin + PORTION]
            held = await self._catalog.look_up(index, portion)
            users = await self._store.get(portion)
            for id in portion:
                present = judge(id, users.get(id), held.get(id))
                if present is None:
                    del self._known[id]
                else:
                    self._known[id] = present
            self._turn()

    async def _compare(self, index: str, after: str | None) -> str | None:
        """Compare a sample behind the id `after`; how far that went, None: to the end."""
        suspects = Suspects(
            self._store,
            lambda ids: self._catalog.look_up(index, ids),
            self._confirmed,
            patience=self._patience,
            monotonic=self._monotonic,
            sleep=self._pause,
        )
        rows = 0
        last: str | None = None
        async with (
            self._catalog.view(index) as view,
            contextlib.aclosing(windows(self._store, view, after, limit=min(self._sample, PAGE))) as found,
        ):
            async for window in found:
                self._turn()
                await suspects.add(compare(window.users, window.held))
                self.verified += len(window.users)
                rows += max(len(window.users), len(window.held))
                last = window.last
                if rows >= self._sample:
                    break
        await suspects.settle()
        return last

    async def _confirmed(self, drifts: Sequence[Drift]) -> None:
        for drift in drifts:
            if drift.id not in self._known:
                log.error("drift", kind=drift.kind.value, user=drift.id, store=drift.stored, index=drift.held)
            if drift.id in self._known or len(self._known) < MOST_KNOWN:
                self._known[drift.id] = drift

    async def _random_id(self) -> str | None:
        """Some id between the first user's and the present time's; None: there is no user."""
        first = await self._store.scan(None, 1)
        if not first:
            return None
        low, high = int(ULID.from_str(first[0].id)), int(ULID.from_datetime(now()))
        return str(ULID.from_int(self._draw(low, max(low, high))))

    async def _pause(self, seconds: float) -> None:
        """Waiting is moving, however long it takes."""
        while seconds > 0:
            self._turn()
            await self._sleep(min(seconds, STUCK_SECONDS / 6))
            seconds -= STUCK_SECONDS / 6
        self._turn()

    def _turn(self) -> None:
        self._turned_at = self._monotonic()
