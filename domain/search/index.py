"""The ports of a search index: what the API asks of it, what the indexer writes, and how an operator sees all of it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from domain.search.document import IndexEntry
from domain.search.query import SearchRequest, SearchResult


class SearchIndex(Protocol):
    """What the API needs. Every method raises SearchUnavailable if the engine does not answer in its time limit."""

    async def search(self, request: SearchRequest) -> SearchResult:
        """The ordered hits of a plan: the same list from every engine."""

    async def versions(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The versions of those of `ids` that a search would find now (not what a GET would see)."""

    async def ping(self) -> None:
        """Return if the engine answers and has our index."""


class Outcome(Enum):
    """What became of one index write."""

    APPLIED = "applied"
    STALE = "stale"
    REJECTED = "rejected"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Result:
    """STALE: a newer version is there, which is fine. REJECTED: can never succeed. BUSY: try again later."""

    outcome: Outcome
    reason: str = ""


class IndexWriter(Protocol):
    """What the indexer needs; one process holds it."""

    async def prepare(self) -> None:
        """Create the index and its alias if there are none. Raises IndexMismatch if they are not ours."""

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        """Apply `entries` (of different users) as one durable batch, one result each.

        The user's version is the write's external version: a lower or equal one than what is there is STALE
        (with `repair`, an equal one is written again, and a deletion goes even if somebody else has written the
        document under a version of the engine's). Raises SearchUnavailable: nothing is known, write again.

        A deletion reaches every other index of ours, too, so that no kept one still has the user.
        """

    async def scan(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        """The next `limit` documents in id order after the id `after`: their ids and versions."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an index holds of user `id`: the version in the document itself, and its digest (see document.digest)."""

    id: str
    version: int
    digest: int


class IndexView(Protocol):
    """An index as it was when the view was opened: all writes acknowledged before that, none that came later."""

    async def page(self, after: str | None, limit: int) -> Sequence[Held]:
        """The next `limit` (at most 1,000) documents in id order after the id `after`."""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """One of our indexes: whether the alias leads to it, and whether it has the shape that this release writes."""

    name: str
    created_at: datetime
    serving: bool
    fits: bool


class IndexCatalog(Protocol):
    """Every index of ours: the one that serves, and those beside it.

    Every method raises SearchUnavailable if the engine does not answer, IndexMismatch if the alias is none of ours or
    leads to several indexes.
    """

    async def indexes(self) -> Sequence[IndexInfo]:
        """All of them, the oldest first; whatever is not ours, or not named like ours, is not among them."""

    async def create(self) -> str:
        """A new and empty index of this release's shape, to which the alias does not lead; its name."""

    def view(self, name: str) -> AbstractAsyncContextManager[IndexView]:
        """The documents of the index `name`. Entering raises IndexMismatch as `writer` does."""

    async def look_up(self, name: str, ids: Sequence[str]) -> Mapping[str, Held]:
        """What the index `name` holds of `ids` (at most 1,000) now, all acknowledged writes included.

        Raises IndexMismatch if there is no such index.
        """

    def writer(self, name: str) -> AbstractAsyncContextManager[IndexWriter]:
        """Writes into the index `name` alone, wherever the alias leads.

        Entering raises IndexMismatch if there is no such index or it has another shape, SearchUnavailable if another
        process writes to it and the engine allows only one. So does a write to an index that has been dropped since.
        """

    async def serve(self, name: str) -> None:
        """From now on, and at once for every reader and writer of the alias, it leads to the index `name` alone.

        Raises IndexMismatch if there is no such index or it has another shape.
        """

    async def drop(self, name: str) -> None:
        """Remove the index `name`, if there is one. Raises IndexMismatch if it serves or is not ours."""
