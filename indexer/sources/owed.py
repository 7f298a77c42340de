"""The resyncs that a pipeline owes, by its own finding or an operator's request: durable until they are delivered."""

import contextlib
from collections.abc import Mapping, Sequence

import structlog

from domain.errors import StoreUnavailable
from domain.users.ledger import Ledger
from indexer.requests import Kind, pending, post

log = structlog.get_logger()


class OwedResyncs:
    """Of pipeline `name`."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger = ledger
        self._name = name
        self._settled: set[str] = set()

    async def owe(self, gaps: Mapping[int, str]) -> None:
        """From now on, one is owed: `gaps` says why, by partition. Raises StoreUnavailable."""
        request = await post(self._ledger, self._name, Kind.RESYNC)
        log.warning("a resync is owed", pipeline=self._name, gaps=dict(gaps), request=request.key)

    async def keys(self) -> Sequence[str]:
        """What is owed, the oldest first. Raises StoreUnavailable."""
        return [request.key for request in await pending(self._ledger, self._name) if request.kind is Kind.RESYNC]

    async def settle(self, keys: Sequence[str]) -> None:
        """They are delivered. A store that does not answer keeps them: that is one resync more, later."""
        for key in set(keys) - self._settled:
            with contextlib.suppress(StoreUnavailable):
                await self._ledger.remove(key)
                self._settled.add(key)
                log.info("resync delivered", pipeline=self._name, request=key)
