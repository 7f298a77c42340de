"""How far search is behind the store, as the indexer's pipelines last said in the ledger."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from domain.clock import Clock, now
from domain.errors import ServiceError
from domain.users.ledger import Entry, Ledger

PREFIX = "status:"
CACHED_FOR = 1.0
FRESH_FOR = timedelta(seconds=10)
_MAX_PIPELINES = 20


def lag_seconds(entries: Sequence[Entry], at: datetime) -> float | None:
    """The sum of the pipelines' lags; one that was silent for longer than FRESH_FOR lags by its silence too.

    None if no pipeline has told its lag.
    """
    lags: list[float] = []
    for entry in entries:
        lag, said = entry.value.get("lagSeconds"), entry.value.get("at")
        if not isinstance(lag, (int, float)) or not isinstance(said, str):
            continue
        silence = at - datetime.fromisoformat(said)
        lags.append(lag + (silence.total_seconds() if silence > FRESH_FOR else 0))
    return round(sum(lags), 3) if lags else None


class IndexLag:
    """Asks the ledger at most once in CACHED_FOR seconds, whatever the number of requests."""

    def __init__(self, ledger: Ledger, *, clock: Clock = now, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock = clock
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._lag: float | None = None

    async def seconds(self) -> float | None:
        """The lag in seconds; None while it is not known, or the ledger does not answer."""
        async with self._lock:
            if self._monotonic() - self._read_at >= CACHED_FOR:
                try:
                    entries = await self._ledger.entries(PREFIX, None, _MAX_PIPELINES)
                    self._lag = lag_seconds(entries, self._clock())
                except ServiceError:
                    self._lag = None
                self._read_at = self._monotonic()
        return self._lag
