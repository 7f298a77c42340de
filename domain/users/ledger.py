"""The port of the ledger: small documents that the indexer keeps beside the users, changed by compare-and-set.

Leases, checkpoints, dead letters and the state of pipelines live there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """A JSON object under a key; every change raises `revision` by one, from 1."""

    key: str
    value: Mapping[str, Any]
    revision: int


class Ledger(Protocol):
    """Every method raises StoreUnavailable if the store does not answer within its time limit."""

    async def read(self, key: str) -> Entry | None:
        """The entry under `key`, as of the last majority-acknowledged change."""

    async def write(self, key: str, value: Mapping[str, Any], *, expected: int) -> bool:
        """Durably set `value` if the entry's revision is `expected` (0: there is none yet); whether it was set."""

    async def entries(self, prefix: str, after: str | None, limit: int) -> Sequence[Entry]:
        """The next `limit` entries in key order whose key begins with `prefix`, after the key `after`."""

    async def remove(self, key: str) -> None:
        """Remove the entry, if there is one."""
