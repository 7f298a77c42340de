"""The calls of the last seconds, counted in buckets: memory and time per call do not grow with the traffic."""

from domain.peers.breaker.tally import Tally


class Window:
    """The bucket that is being filled and those before it: `length` seconds, less up to one bucket."""

    def __init__(self, length: float, buckets: int, now: float) -> None:
        self._width = length / buckets
        self._buckets = [Tally() for _ in range(buckets)]
        self._newest = int(now // self._width)
        self._tally = Tally()

    def record(self, now: float, *, failed: bool, slow: bool) -> Tally:
        """Count one call that ended at `now`, and return the tally, which lives on: copy it to keep it."""
        tally = self.tally(now)
        self._buckets[self._newest % len(self._buckets)].add(failed=failed, slow=slow)
        tally.add(failed=failed, slow=slow)
        return tally

    def tally(self, now: float) -> Tally:
        newest = int(now // self._width)
        if newest > self._newest:
            self._forget(newest)
        return self._tally

    def _forget(self, newest: int) -> None:
        count = len(self._buckets)
        for bucket in range(max(self._newest, newest - count) + 1, newest + 1):
            self._tally.subtract(self._buckets[bucket % count])
            self._buckets[bucket % count] = Tally()
        self._newest = newest
