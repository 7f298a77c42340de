"""The ports of a search index: what the API asks of it, and what the indexer does to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
        (with `repair`, an equal one is written again). Raises SearchUnavailable: nothing is known, write again.
        """

    async def scan(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        """The next `limit` documents in id order after the id `after`: their ids and versions."""
