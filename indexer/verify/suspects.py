"""Who seems to differ is looked at again, until the index is level or the patience is over: only then it is drift."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from domain.search.index import Held
from domain.users.store import UserStore
from indexer.verify.drift import Drift, Kind, Verdict, judge, verdict

MOST = 10_000
"""Suspects at a time. So many drifts, once waited for in vain, are proof enough: the rest is not waited for."""

LOOK_SECONDS = 0.5
LOOKING_SHARE = 5
"""Looking takes at most one part in so many of the time."""

PORTION = 1_000

LookUp = Callable[[Sequence[str]], Awaitable[Mapping[str, Held]]]
Confirm = Callable[[Sequence[Drift]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Suspicion:
    drift: Drift
    since: float


class Suspects:
    """`confirm` is called with what is certain. `look_up` is the index's, `patience` in seconds."""

    def __init__(
        self,
        store: UserStore,
        look_up: LookUp,
        confirm: Confirm,
        *,
        patience: float,
        most: int = MOST,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._look_up = look_up
        self._confirm = confirm
        self._patience = patience
        self._most = most
        self._monotonic = monotonic
        self._sleep = sleep
        self._waiting: dict[str, _Suspicion] = {}
        self._look_at = 0.0
        self.confirmed = 0

    @property
    def hurried(self) -> bool:
        """Whether so much drift is confirmed that new suspects are not waited for any more."""
        return self.confirmed >= self._most

    async def add(self, found: Sequence[Drift]) -> None:
        """Suspect `found`; look at all suspects if it is time. Waits while there are too many."""
        now = self._monotonic()
        for drift in found:
            self._waiting.setdefault(drift.id, _Suspicion(drift, now))
        if self._waiting and now >= self._look_at:
            await self._look()
        while len(self._waiting) > self._most:
            await self._look_again()

    async def settle(self) -> None:
        """Return once nobody is suspected any more."""
        while self._waiting:
            await self._look_again()

    async def _look_again(self) -> None:
        await self._sleep(max(LOOK_SECONDS, self._look_at - self._monotonic()))
        await self._look()

    async def _look(self) -> None:
        begun_at = self._monotonic()
        ids = list(self._waiting)
        for start in range(0, len(ids), PORTION):
            await self._look_at_portion(ids[start : start + PORTION])
        now = self._monotonic()
        self._look_at = now + max(LOOK_SECONDS, LOOKING_SHARE * (now - begun_at))

    async def _look_at_portion(self, ids: Sequence[str]) -> None:
        """The index is read first, so that whatever it has beyond the store is beyond it indeed."""
        patience = 0.0 if self.hurried else self._patience
        held = await self._look_up(ids)
        users = await self._store.get(ids)
        now = self._monotonic()
        certain: list[Drift] = []
        for id in ids:
            suspicion = self._waiting.pop(id)
            present = judge(id, users.get(id), held.get(id))
            if present is None:
                continue
            if _deleted_since(suspicion.drift, present):
                suspicion = _Suspicion(present, now)
            match verdict(suspicion.drift, present, now - suspicion.since, patience):
                case Verdict.WAIT:
                    self._waiting[id] = suspicion
                case Verdict.DRIFT:
                    certain.append(present)
                case Verdict.LEVEL:
                    pass
        if certain:
            self.confirmed += len(certain)
            await self._confirm(certain)


def _deleted_since(suspicion: Drift, present: Drift) -> bool:
    """A deletion has a patience of its own; there is one at most."""
    return present.kind is Kind.ORPHANED and suspicion.kind is not Kind.ORPHANED
