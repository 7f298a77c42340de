"""How many retries there may be, so that they never double the load of who is overloaded: Finagle's retry budget."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class RetryPolicy:
    """In each `window`, `share` of the requests and `per_second` for every second of it may be retries."""

    share: float = 0.2
    per_second: float = 10.0
    window: timedelta = timedelta(seconds=10)


DEFAULT_RETRIES = RetryPolicy()


class RetryBudget:
    """A request deposits a share of a token, a retry takes a whole one; both count for as long as the window is."""

    BUCKETS = 10

    def __init__(
        self,
        policy: RetryPolicy = DEFAULT_RETRIES,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share = policy.share
        self._width = policy.window.total_seconds() / self.BUCKETS
        self._reserve = policy.per_second * policy.window.total_seconds()
        self._monotonic = monotonic
        self._buckets = [0.0] * self.BUCKETS
        self._newest = int(monotonic() // self._width)
        self.retries = 0
        self.refused = 0

    def deposit(self) -> None:
        self._buckets[self._place()] += self._share

    def withdraw(self) -> bool:
        """Whether one more retry is allowed, which is then taken."""
        place = self._place()
        if sum(self._buckets) + self._reserve < 1.0:
            self.refused += 1
            return False
        self._buckets[place] -= 1.0
        self.retries += 1
        return True

    def _place(self) -> int:
        newest = int(self._monotonic() // self._width)
        for passed in range(max(self._newest, newest - self.BUCKETS) + 1, newest + 1):
            self._buckets[passed % self.BUCKETS] = 0.0
        self._newest = max(newest, self._newest)
        return self._newest % self.BUCKETS
