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
_MOST_PROCESSES = 1_000


def lag_seconds(entries: Sequence[Entry], at: datetime) -> float | None:
    """The sum of the pipelines' lags; one that was silent for longer than FRESH_FOR lags by its silence too.

    Of the processes that share a pipeline, those that are silent do not count while others are not.
    None if no pipeline has told its lag.
    """
    pipelines: dict[str, list[tuple[timedelta, float]]] = {}
    for entry in entries:
        lag, said = entry.value.get("lagSeconds"), entry.value.get("at")
        if not isinstance(lag, (int, float)) or not isinstance(said, str):
            continue
        silence = at - datetime.fromisoformat(said)
        pipelines.setdefault(entry.value.get("pipeline", entry.key), []).append((silence, lag))
    return round(sum(map(_lag, pipelines.values())), 3) if pipelines else None


def _lag(processes: Sequence[tuple[timedelta, float]]) -> float:
    """Of one pipeline, by how long each of its processes was silent, and its lag."""
    fresh = [lag for silence, lag in processes if silence <= FRESH_FOR]
    if fresh:
        return max(fresh)
    silence, lag = min(processes)
    return lag + silence.total_seconds()


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
                    entries = await self._ledger.entries(PREFIX, None, _MOST_PROCESSES)
                    self._lag = lag_seconds(entries, self._clock())
                except ServiceError:
                    self._lag = None
                self._read_at = self._monotonic()
        return self._lag
