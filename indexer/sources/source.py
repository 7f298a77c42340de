"""The port of a source: where changes come from."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from domain.search.document import IndexEntry
from indexer.dead_letters import DeadLetter

Position = TypeVar("Position")


@dataclass(frozen=True, slots=True)
class Chunk(Generic[Position]):
    """What a source told next, perhaps nothing.

    `position`: from where to go on once all up to here is delivered; None inside of what can only be delivered whole.
    `since`: when the oldest of its changes was committed. `refused`: what can never be delivered. `snapshot`: it is
    of a resync, which tells what is, not what has changed. `as_of`: see feed.Changes.
    """

    entries: Sequence[IndexEntry]
    position: Position | None
    since: datetime | None = None
    refused: Sequence[DeadLetter] = ()
    snapshot: bool = False
    as_of: float | None = None


class Source(Protocol[Position]):
    def chunks(self) -> AsyncGenerator[Chunk[Position]]:
        """Everything since the last committed position, without end; an empty chunk every second or so.

        Raises what its store or broker raises; then it is of no more use.
        """

    async def commit(self, position: Position) -> None:
        """Durably note that everything up to `position` is delivered. Raises LeaseLost."""

    async def lag(self) -> int | None:
        """About how many changes lie behind what `chunks` has told; None while that is not known.

        Asked every few seconds, beside the reading. Raises what its store or broker raises.
        """
