"""The port of a sink: where changes go."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from domain.search.document import IndexEntry
from domain.search.index import Result


class Sink(Protocol):
    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        """Durably deliver `entries` (of different users), one result each. Raises as retry.remedy expects.

        With `repair`, what the sink already has at the same version is written again.
        """

    async def empty(self) -> bool:
        """Whether it holds no user at all, so that a checkpoint says nothing about it."""

    def held(self) -> AsyncGenerator[Sequence[tuple[str, int]]]:
        """The ids and versions of all users it holds, in portions; those of one id in the order of writing."""
