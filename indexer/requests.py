"""What an operator asks of a running pipeline: an entry in the ledger, which goes once it is done.

Only the pipeline can do it: it alone may write to its sink (the topic is fenced, the embedded index is locked), and
it alone may move its checkpoint.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ulid import ULID

from domain.clock import Clock, now
from domain.errors import InternalError
from domain.users.ledger import Entry, Ledger
from indexer import reporting, told

PREFIX = "request:"
LOOK_SECONDS = 1.0
MOST = 1_000
"""Users of one request."""


class Kind(StrEnum):
    RESYNC = "resync"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Request:
    """RESYNC: deliver the whole store again. WRITE: deliver `users` again, as the store has them now.

    `users` are ids and the version that the sink is known to hold: of a user who is gone from the store, the deletion
    that is written is one version above it.
    """

    key: str
    kind: Kind
    users: Mapping[str, int] = field(default_factory=dict)


class ResyncRequested(InternalError):
    def __init__(self, pipeline: str) -> None:
        super().__init__(f"A resync of {pipeline} is asked for: it begins anew.")


async def post(ledger: Ledger, pipeline: str, kind: Kind, users: Mapping[str, int] | None = None) -> Request:
    """Ask `pipeline`, whether it runs now or later. Raises StoreUnavailable."""
    request = Request(f"{PREFIX}{pipeline}:{ULID()}", kind, users or {})
    value: dict[str, Any] = {"kind": kind.value, "users": dict(request.users)}
    await ledger.write(request.key, value, expected=0)
    return request


async def pending(ledger: Ledger, pipeline: str) -> list[Request]:
    """What is asked of `pipeline`, the oldest first. Raises StoreUnavailable."""
    entries = await ledger.entries(f"{PREFIX}{pipeline}:", None, MOST)
    return [_read(entry) for entry in entries if entry.value["kind"] in _KINDS]  # others are a newer release's


async def done(
    ledger: Ledger, request: Request, seconds: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> bool:
    """Whether `request` is done within `seconds`. Raises StoreUnavailable."""
    for _ in range(max(1, round(seconds / LOOK_SECONDS))):
        if await ledger.read(request.key) is None:
            return True
        await sleep(LOOK_SECONDS)
    return await ledger.read(request.key) is None


async def is_answered(ledger: Ledger, pipeline: str, clock: Clock = now) -> bool:
    """Whether a process that runs `pipeline` told its status lately. Raises StoreUnavailable."""
    entries = await ledger.entries(reporting.PREFIX + pipeline, None, MOST)
    return any(told.runs(entry.value, clock()) for entry in entries)


_KINDS = frozenset(Kind)


def _read(entry: Entry) -> Request:
    return Request(entry.key, Kind(entry.value["kind"]), entry.value["users"])
