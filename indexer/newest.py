"""The newest letters of a log in which a later record of a key replaces the earlier ones. Pure."""

from collections.abc import Sequence

from indexer.dead_letters import DeadLetter


class Newest:
    """The first `limit` letters in key order behind `after`, of records told in the log's order.

    At most twice `limit` letters are in memory, however long the log is: what lies behind the first ones is let go of.
    """

    def __init__(self, after: str | None, limit: int) -> None:
        self._after = after or ""
        self._limit = limit
        self._letters: dict[str, DeadLetter] = {}
        self._end: str | None = None

    @property
    def end(self) -> str | None:
        """The key up to which all letters are known; None: there are no others."""
        return self._end

    def tell(self, key: str, letter: DeadLetter | None) -> None:
        """The next record: `letter` is under `key` now; None: it is dropped."""
        if key <= self._after or (self._end is not None and key > self._end):
            return
        if letter is None:
            self._letters.pop(key, None)
            return
        self._letters[key] = letter
        if len(self._letters) > 2 * self._limit:
            kept = sorted(self._letters)[: self._limit]
            self._end = kept[-1]
            self._letters = {key: self._letters[key] for key in kept}

    def letters(self) -> Sequence[DeadLetter]:
        """Once all is told. Fewer than `limit` do not mean that there are no others: see `end`."""
        return [self._letters[key] for key in sorted(self._letters)[: self._limit]]
