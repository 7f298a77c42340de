"""A complete comparison of one index with its store, while writes go on, and the repair of what differs."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence

from domain.progress import Advance
from domain.search.index import Held, IndexCatalog
from domain.users.store import UserStore
from indexer.verify.drift import Drift, Kind, compare
from indexer.verify.report import Report, Tally
from indexer.verify.suspects import Suspects
from indexer.verify.windows import PAGE, windows

PATIENCE_SECONDS = 15.0
REPAIRED_AT_ONCE = 500

Repair = Callable[[Mapping[str, int]], Awaitable[None]]
"""Writes users again from the store, given the versions that the index holds of them (0: none)."""


async def verify(
    store: UserStore,
    catalog: IndexCatalog,
    index: str,
    *,
    patience: float = PATIENCE_SECONDS,
    dead_letter_ids: Container[str] = frozenset(),
    progress: Advance = lambda done, rows: None,
    repair: Repair | None = None,
    page: int = PAGE,
) -> Report:
    """Compare all of `index` with all of `store`; memory is bounded at any size.

    Who seems to differ is looked at again for up to `patience` seconds before it is drift. With `repair`, drift is
    repaired as it is found and looked at again; what is ahead is left alone. `progress` is told how many users of the
    store are compared, `page` is how many are read at once.

    Raises StoreUnavailable, SearchUnavailable, IndexMismatch if there is no such index (any more), and what `repair`
    raises.
    """
    run = _Run(store, catalog, index, patience=patience, repair=repair, dead_letter_ids=dead_letter_ids)
    return await run.report(progress, page)


class _Run:
    def __init__(
        self,
        store: UserStore,
        catalog: IndexCatalog,
        index: str,
        *,
        patience: float,
        repair: Repair | None,
        dead_letter_ids: Container[str],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._index = index
        self._repair = repair
        self._found = Tally(dead_letter_ids)
        self._dead_letter_ids = dead_letter_ids
        self._left = Tally(dead_letter_ids)
        self._suspects = Suspects(store, self._look_up, self._confirmed, patience=patience)
        self._repaired = Suspects(store, self._look_up, self._not_repaired, patience=patience)

    async def report(self, progress: Advance, page: int) -> Report:
        begun_at = time.monotonic()
        users = documents = 0
        async with (
            self._catalog.view(self._index) as view,
            contextlib.aclosing(windows(self._store, view, limit=page)) as found,
        ):
            async for window in found:
                await self._suspects.add(compare(window.users, window.held))
                users += len(window.users)
                documents += len(window.held)
                progress(users, users)
        await self._suspects.settle()
        await self._repaired.settle()
        return Report(
            self._index,
            users,
            documents,
            time.monotonic() - begun_at,
            found=dict(self._found.counts),
            remaining=dict(self._left.counts),
            examples=self._found.shown,
            dead_letters=frozenset(one.id for one in self._found.shown if one.id in self._dead_letter_ids),
            explained=self._left.buried,
            repaired=self._repair is not None,
            hurried=self._suspects.hurried,
        )

    async def _look_up(self, ids: Sequence[str]) -> Mapping[str, Held]:
        return await self._catalog.look_up(self._index, ids)

    async def _confirmed(self, drifts: Sequence[Drift]) -> None:
        self._found.add(drifts)
        if self._repair is None:
            self._left.add(drifts)
            return
        self._left.add(drift for drift in drifts if drift.kind is Kind.AHEAD)
        repairable = [drift for drift in drifts if drift.kind is not Kind.AHEAD]
        for start in range(0, len(repairable), REPAIRED_AT_ONCE):
            portion = repairable[start : start + REPAIRED_AT_ONCE]
            await self._repair({drift.id: drift.held or 0 for drift in portion})
            await self._repaired.add(portion)

    async def _not_repaired(self, drifts: Sequence[Drift]) -> None:
        self._left.add(drifts)
