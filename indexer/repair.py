"""Drift is repaired from the store: by this process where it may write, else by the pipeline that holds the index."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from domain.backends import StoreBackend
from domain.clock import now
from domain.errors import SearchUnavailable
from domain.search.index import IndexCatalog, IndexWriter, Outcome
from domain.settings import Mode, Settings
from indexer import requests, retry
from indexer.again import changes_now
from indexer.pairs import EMBEDDED
from indexer.projection import Projection

ATTEMPTS = 10
ANSWER_SECONDS = 60.0

Sleep = Callable[[float], Awaitable[None]]


class Repair:
    """Of `index`. `pipeline`: which may hold the only right to write to it; None where everybody may write."""

    def __init__(
        self,
        store: StoreBackend,
        catalog: IndexCatalog,
        index: str,
        pipeline: str | None = None,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._index = index
        self._pipeline = pipeline
        self._projection = Projection("verify")
        self._sleep = sleep

    async def __call__(self, users: Mapping[str, int]) -> None:
        """Write `users` (at most 1,000 ids, each with the version that the index holds) as the store has them now.

        What is refused for good, or older than what the engine knows, stays as it is. Raises StoreUnavailable,
        SearchUnavailable, IndexMismatch.
        """
        try:
            async with self._catalog.writer(self._index) as writer:
                await self._write(writer, users)
        except SearchUnavailable:
            if self._pipeline is None:
                raise
            await self._ask(self._pipeline, users)

    async def _write(self, writer: IndexWriter, users: Mapping[str, int]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            found = await self._store.store.get(list(users))
            entries, _ = self._projection.entries(changes_now(users, found, now()))
            results = await writer.write(entries, repair=True)
            users = {
                entry.id: users[entry.id]
                for entry, result in zip(entries, results, strict=True)
                if result.outcome is Outcome.BUSY
            }
            if not users:
                return
            await self._sleep(retry.delay(attempt))
        raise SearchUnavailable("The search engine is too busy for a repair: try again in a moment.")

    async def _ask(self, pipeline: str, users: Mapping[str, int]) -> None:
        request = await requests.post(self._store.ledger, pipeline, requests.Kind.WRITE, users)
        if await requests.done(self._store.ledger, request, ANSWER_SECONDS, self._sleep):
            return
        await self._store.ledger.remove(request.key)
        raise SearchUnavailable(
            f"The process that holds the index did not answer within {ANSWER_SECONDS:.0f} s: if it is no "
            "`python -m indexer run`, wait until it has ended; if it is one, see `python -m indexer status`."
        )


def repair_of(settings: Settings, store: StoreBackend, catalog: IndexCatalog) -> Callable[[str], Repair]:
    """What repairs an index, given its name, in the settings' mode."""
    pipeline = EMBEDDED.name if settings.mode is Mode.EMBEDDED else None
    return lambda index: Repair(store, catalog, index, pipeline)
