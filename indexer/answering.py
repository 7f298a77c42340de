"""A running pipeline does what is asked of it in the ledger: deliver some users again, or all of the store."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from domain.errors import SearchUnavailable, StoreUnavailable
from domain.users.ledger import Ledger
from indexer.again import Again
from indexer.requests import LOOK_SECONDS, Kind, Request, ResyncRequested, pending
from indexer.sources.store import Checkpoint

log = structlog.get_logger()


class Answering:
    """For one session of pipeline `name`, which delivers by `again`."""

    def __init__(self, ledger: Ledger, name: str, again: Again) -> None:
        self._ledger = ledger
        self._name = name
        self._again = again

    async def begin(self, checkpoint: Checkpoint) -> None:
        """Before the checkpoint is read: forget it if a resync is asked for. Raises LeaseLost, StoreUnavailable."""
        asked = [request for request in await pending(self._ledger, self._name) if request.kind is Kind.RESYNC]
        if asked:
            await checkpoint.commit(None)
        for request in asked:
            await self._ledger.remove(request.key)

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look each second, without end; what cannot be done now is looked at again.

        Raises ResyncRequested, and KafkaUnavailable and IndexMismatch, after which a sink is of no more use.
        """
        while True:
            await sleep(LOOK_SECONDS)
            try:
                for request in await pending(self._ledger, self._name):
                    await self._answer(request)
            except (StoreUnavailable, SearchUnavailable) as exc:
                log.warning("what is asked is done later", pipeline=self._name, why=str(exc))

    async def _answer(self, request: Request) -> None:
        if request.kind is Kind.RESYNC:
            raise ResyncRequested(self._name)
        if await self._again.write(request.users):
            await self._ledger.remove(request.key)
            log.info("users delivered again", pipeline=self._name, users=len(request.users))
