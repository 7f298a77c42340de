"""Progress of something long, in the log: how much, how fast, how long still."""

import time
from collections.abc import Callable

import structlog

EVERY_SECONDS = 10.0

log = structlog.get_logger()


class Progress:
    """Logs at the beginning, every ten seconds, and at the end. `total` may be a guess."""

    def __init__(self, name: str, total: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._total = total
        self._monotonic = monotonic
        self._done = 0
        self._begun_at = self._logged_at = monotonic()
        log.info("resync begins", pipeline=name, users=total)

    def advance(self, count: int) -> None:
        """`count` more are read."""
        self._done += count
        now = self._monotonic()
        if now - self._logged_at < EVERY_SECONDS:
            return
        self._logged_at = now
        rate = self._done / (now - self._begun_at)
        log.info(
            "resync goes on",
            pipeline=self._name,
            users=self._done,
            of=self._total,
            users_a_second=round(rate),
            remaining_seconds=round(max(0, self._total - self._done) / rate),
        )

    def finish(self) -> None:
        """All are read."""
        seconds = round(self._monotonic() - self._begun_at, 1)
        log.info("resync has read the store", pipeline=self._name, users=self._done, seconds=seconds)
