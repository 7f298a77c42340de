"""Inflicts faults on a running system, and measures how it fares."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import SearchUnavailable
from domain.search.index import SearchIndex
from tests.chaos.history import History
from tests.chaos.plan import Fault, Kind
from tests.chaos.proxy import Proxy, Refusing
from tests.chaos.system import Part
from tests.integration.indexer.process import until

RECOVERY_SECONDS = 400.0
"""Within which a system has to have recovered, on a busy machine."""

SECOND = 1_000_000_000  # nanoseconds
_REFUSING: Mapping[Kind, Refusing] = {
    Kind.REFUSED_REQUESTS: Refusing.REQUESTS,
    Kind.REFUSED_ITEMS: Refusing.ITEMS,
}


@dataclass(frozen=True, slots=True)
class Recovery:
    """`before`: writes acknowledged in the second before the fault. Seconds from the end of the fault until a write
    begun after it was acknowledged, and until a search found the newest write of that moment.
    """

    fault: Fault
    before: int
    written: float
    indexed: float


class Faults:
    """`parts` by name can be killed and paused, and `proxy` stands in front of the index, if there is one."""

    def __init__(self, parts: Mapping[str, Part], history: History, index: SearchIndex, proxy: Proxy | None) -> None:
        self.parts = parts
        self._history = history
        self.index = index
        self.proxy = proxy

    async def writing(self) -> int:
        """Wait until a write was acknowledged within the last second; how many were."""

        async def acknowledged() -> bool:
            return bool(self._history.acknowledged_since(time.monotonic_ns() - SECOND))

        await until(acknowledged, "writes are acknowledged", RECOVERY_SECONDS)
        return len(self._history.acknowledged_since(time.monotonic_ns() - SECOND))

    async def stop(self, fault: Fault) -> tuple[int, int]:
        """Kill or pause its target, once writes are acknowledged; how many were, and when it was over.

        Returns when the target was seen dead or stopped, and was started or woken after the fault's time.
        """
        part = self.parts[fault.target]
        before = await self.writing()
        await (part.kill() if fault.kind is Kind.KILL else part.pause())
        await asyncio.sleep(fault.seconds)
        over = time.monotonic_ns()
        await (part.start() if fault.kind is Kind.KILL else part.resume())
        return before, over

    async def refuse(self, fault: Fault) -> None:
        """Let Elasticsearch answer bulks with 429 for the fault's time, and longer if there was none."""
        proxy, kind = self.proxy, _REFUSING[fault.kind]
        assert proxy is not None
        before = proxy.placed[kind]

        async def placed() -> bool:
            return proxy.placed[kind] > before

        proxy.refusing = kind
        try:
            await asyncio.sleep(fault.seconds)
            await until(placed, f"{fault.kind} was placed", RECOVERY_SECONDS)
        finally:
            proxy.refusing = Refusing.NOTHING

    async def recovery(self, fault: Fault, before: int, over: int) -> Recovery:
        """Wait until writes are acknowledged again and found by a search."""

        async def acknowledged() -> bool:
            return bool(self._history.acknowledged_since(over))

        await until(acknowledged, "writes are acknowledged again", RECOVERY_SECONDS)
        written = (self._history.acknowledged_since(over)[-1].end - over) / SECOND
        await self.indexed(f"{fault.kind} of {fault.target}")
        return Recovery(fault, before, written, (time.monotonic_ns() - over) / SECOND)

    async def indexed(self, after: str) -> None:
        """Wait until a search sees the newest acknowledged write of this moment, or one after it."""
        wanted = self._history.newest()

        async def is_found() -> bool:
            nonlocal wanted
            if wanted is None or self._history.is_deleted(wanted.user):
                wanted = self._history.newest()
                return False
            try:
                return (await self.index.versions([wanted.user])).get(wanted.user, 0) >= wanted.version
            except SearchUnavailable:
                return False

        await until(is_found, f"the index has the newest write after {after}", RECOVERY_SECONDS)
