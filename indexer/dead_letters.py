"""What can never be delivered is put aside with its reason, never with its value; a replay reads the store again."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.clock import to_text
from domain.errors import StoreUnavailable
from domain.users.ledger import Entry, Ledger

PREFIX = "dead-letter:"
PAGE = 1_000
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
    """Every method raises StoreUnavailable or KafkaUnavailable if what keeps the letters does not answer."""

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Durably keep `letters`."""

    async def get(self, keys: Sequence[str]) -> Mapping[str, DeadLetter]:
        """Those of `keys` (at most 1,000) under which there is a letter."""

    async def page(self, after: str | None, limit: int) -> Sequence[DeadLetter]:
        """The next letters in key order after the key `after`, at most `limit`; none only at the end."""

    async def drop(self, keys: Sequence[str]) -> None:
        """Durably forget the letters under `keys`, where there are any."""


async def pages(letters: DeadLetters) -> AsyncGenerator[Sequence[DeadLetter]]:
    """All of them in key order; memory is bounded by one page."""
    after: str | None = None
    while page := await letters.page(after, PAGE):
        yield page
        after = page[-1].key


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


def from_json(value: Mapping[str, Any]) -> DeadLetter:
    """The inverse of `to_json`. Raises KeyError, TypeError or ValueError for what is no letter."""
    return DeadLetter(
        id=str(value["id"]),
        version=int(value["version"]),
        origin=str(value["origin"]),
        reason=str(value["reason"]),
        attempts=int(value["attempts"]),
        at=datetime.fromisoformat(value["at"]),
    )


class LedgerDeadLetters:
    """In the ledger beside the users, one entry a user."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            await self._put(PREFIX + letter.key, to_json(letter))

    async def get(self, keys: Sequence[str]) -> Mapping[str, DeadLetter]:
        entries = [await self._ledger.read(PREFIX + key) for key in keys]
        return {letter.key: letter for letter in _letters([entry for entry in entries if entry is not None])}

    async def page(self, after: str | None, limit: int) -> Sequence[DeadLetter]:
        return _letters(await self._ledger.entries(PREFIX, None if after is None else PREFIX + after, limit))

    async def drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            await self._ledger.remove(PREFIX + key)

    async def _put(self, key: str, value: Mapping[str, Any]) -> None:
        for _ in range(MAX_LOST_RACES):
            entry = await self._ledger.read(key)
            if await self._ledger.write(key, value, expected=entry.revision if entry else 0):
                return
        raise StoreUnavailable(f"The ledger's entry {key} is changed by others all the time.")


def _letters(entries: Sequence[Entry]) -> list[DeadLetter]:
    return [from_json(entry.value) for entry in entries]
