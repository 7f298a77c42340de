"""What the ledger remembers of a rebuild that is interrupted, and until when indexes that have served are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.clock import to_text
from domain.users.ledger import Ledger

KEY = "rebuild"
KEPT = "kept-index:"
MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class State:
    """The rebuild into `index`; `previous` served when it began, and `keep_seconds` says for how long that is kept."""

    index: str
    previous: Sequence[str] = field(default_factory=tuple)
    keep_seconds: float = 0.0


class States:
    """The one rebuild of a deployment; only who holds its lease writes. Every method raises StoreUnavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def read(self) -> State | None:
        entry = await self._ledger.read(KEY)
        if entry is None:
            return None
        return State(entry.value["index"], tuple(entry.value["previous"]), entry.value["keepSeconds"])

    async def write(self, state: State) -> None:
        value = {"index": state.index, "previous": list(state.previous), "keepSeconds": state.keep_seconds}
        await _put(self._ledger, KEY, value)

    async def clear(self) -> None:
        await self._ledger.remove(KEY)


class KeptIndexes:
    """Indexes that have served, and until when they stay. Every method raises StoreUnavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def read(self) -> Mapping[str, datetime]:
        entries = await self._ledger.entries(KEPT, None, MOST_KEPT)
        return {entry.key.removeprefix(KEPT): datetime.fromisoformat(entry.value["until"]) for entry in entries}

    async def keep(self, index: str, until: datetime) -> None:
        await _put(self._ledger, KEPT + index, {"until": to_text(until)})

    async def forget(self, index: str) -> None:
        await self._ledger.remove(KEPT + index)


async def _put(ledger: Ledger, key: str, value: Mapping[str, Any]) -> None:
    while True:
        entry = await ledger.read(key)
        if await ledger.write(key, value, expected=entry.revision if entry else 0):
            return
