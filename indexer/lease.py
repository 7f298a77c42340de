"""One process runs a pipeline: a lease in the ledger, renewed by compare-and-set, which also holds the checkpoint.

An entry whose revision does not change for a lease's duration, by the observer's own monotonic clock, is free; clocks
of different machines are never compared. Who lost the lease cannot move the checkpoint, because both are one entry.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from domain.errors import StoreUnavailable
from domain.users.ledger import Entry, Ledger
from indexer.errors import LeaseLost

PREFIX = "pipeline:"
LOOKS_A_LEASE = 10
RENEWALS_A_LEASE = 3

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the entry says. `holder` is empty once released; `epoch` counts holders, `beat` its holder's writes."""

    holder: str = ""
    epoch: int = 0
    beat: int = 0
    position: str | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Claim":
        return cls(value["holder"], value["epoch"], value["beat"], value.get("position"))

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        value: dict[str, Any] = {"holder": self.holder, "epoch": self.epoch, "beat": self.beat}
        return value if self.position is None else {**value, "position": self.position}


class Term:
    """The time for which this process holds the lease of pipeline `name`; every write of it renews the lease."""

    def __init__(
        self, ledger: Ledger, name: str, claim: Claim, *, revision: int, duration: float, monotonic: Monotonic
    ) -> None:
        self._ledger = ledger
        self._name = name
        self._claim = claim
        self._revision = revision
        self._duration = duration
        self._monotonic = monotonic
        self._renewed_at = monotonic()
        self._lock = asyncio.Lock()

    @property
    def epoch(self) -> int:
        return self._claim.epoch

    async def position(self) -> str | None:
        """The committed position, read now. Raises LeaseLost, StoreUnavailable."""
        async with self._lock:
            return (await self._read()).position

    async def commit(self, position: str | None) -> None:
        """Durably set the position; None: there is none any more. Raises LeaseLost, StoreUnavailable."""
        await self._put(lambda claim: replace(claim, position=position))

    async def keep(self) -> None:
        """Renew the lease without end. Raises LeaseLost as soon as somebody else may have it."""
        while True:
            await asyncio.sleep(self._duration / RENEWALS_A_LEASE)
            try:
                await self._put(lambda claim: claim)
            except StoreUnavailable as exc:
                if self._monotonic() - self._renewed_at >= self._duration:
                    raise LeaseLost(self._name) from exc

    async def release(self) -> None:
        """Let the next process take over at once, if the store answers and the lease is still ours."""
        with contextlib.suppress(LeaseLost, StoreUnavailable):
            await self._put(lambda claim: replace(claim, holder=""))

    async def _put(self, change: Callable[[Claim], Claim]) -> None:
        async with self._lock:
            for _ in range(2):
                claim = replace(change(self._claim), beat=self._claim.beat + 1)
                asked_at = self._monotonic()
                if await self._ledger.write(PREFIX + self._name, claim.to_json(), expected=self._revision):
                    self._claim, self._revision, self._renewed_at = claim, self._revision + 1, asked_at
                    return
                await self._read()  # an earlier write of ours may have arrived without our knowing
            raise LeaseLost(self._name)

    async def _read(self) -> Claim:
        entry = await self._ledger.read(PREFIX + self._name)
        claim = Claim.of(entry.value) if entry else Claim()
        if entry is None or (claim.holder, claim.epoch) != (self._claim.holder, self._claim.epoch):
            raise LeaseLost(self._name)
        self._claim, self._revision = claim, entry.revision
        return claim


class Lease:
    """The lease of pipeline `name`, wanted by `holder` (a name of its own for every process)."""

    def __init__(
        self,
        ledger: Ledger,
        name: str,
        *,
        holder: str,
        duration: timedelta,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._name = name
        self._holder = holder
        self._duration = duration.total_seconds()
        self._monotonic = monotonic
        self._seen: int | None = None
        self._seen_at = 0.0

    async def acquire(self, looked: Callable[[], None] = lambda: None) -> Term:
        """Stand by until the lease is ours; `looked` is called at every look. Raises StoreUnavailable."""
        while (term := await self.attempt()) is None:
            looked()
            await asyncio.sleep(self._duration / LOOKS_A_LEASE)
        return term

    async def attempt(self) -> Term | None:
        """One look: a term if the lease was free and is ours now. Raises StoreUnavailable."""
        entry = await self._ledger.read(PREFIX + self._name)
        if not self._free(entry):
            return None
        last = Claim.of(entry.value) if entry else Claim()
        claim = Claim(self._holder, last.epoch + 1, 1, last.position)
        revision = entry.revision if entry else 0
        if not await self._ledger.write(PREFIX + self._name, claim.to_json(), expected=revision):
            return None
        self._seen = None
        return Term(
            self._ledger,
            self._name,
            claim,
            revision=revision + 1,
            duration=self._duration,
            monotonic=self._monotonic,
        )

    def _free(self, entry: Entry | None) -> bool:
        if entry is None or not entry.value["holder"]:
            return True
        if entry.revision != self._seen:
            self._seen, self._seen_at = entry.revision, self._monotonic()
            return False
        return self._monotonic() - self._seen_at >= self._duration
