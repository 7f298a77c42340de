"""What can never be delivered is put aside with its reason, never with its value; a replay reads the store again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.clock import to_text
from domain.errors import StoreUnavailable
from domain.users.ledger import Ledger

PREFIX = "dead-letter:"
MAX_LOST_RACES = 20


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """User `id` (empty if it is not known) at `version` (0 likewise) could not be delivered.

    `origin` says where it came from: a pipeline's name, or topic/partition/offset.
    """

    id: str
    version: int
    origin: str
    reason: str
    attempts: int
    at: datetime

    @property
    def key(self) -> str:
        """A later letter about the same user replaces an earlier one."""
        return self.id or self.origin


class DeadLetters(Protocol):
    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Durably keep `letters`. Raises StoreUnavailable, KafkaUnavailable."""


def to_json(letter: DeadLetter) -> Mapping[str, Any]:
    """The letter as JSON shows it, in the ledger and in the topic."""
    return {
        "id": letter.id,
        "version": letter.version,
        "origin": letter.origin,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "at": to_text(letter.at),
    }


class LedgerDeadLetters:
    """In the ledger beside the users, one entry a user."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            await self._put(PREFIX + letter.key, to_json(letter))

    async def _put(self, key: str, value: Mapping[str, Any]) -> None:
        for _ in range(MAX_LOST_RACES):
            entry = await self._ledger.read(key)
            if await self._ledger.write(key, value, expected=entry.revision if entry else 0):
                return
        raise StoreUnavailable(f"The ledger's entry {key} is changed by others all the time.")
