"""What came of asking one instance: whether it speaks against it, and whether another one may be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

import httpx


class Kind(Enum):
    ANSWERED = auto()
    """With a JSON object."""
    REFUSED = auto()
    """The instance is in health and did not like the request: another one would not either."""
    TOO_LARGE = auto()
    """Likewise: so would another one's answer be."""
    UNREACHED = auto()
    """There was no connection: surely nothing was done."""
    THROTTLED = auto()
    """It has asked for a pause: surely nothing was done."""
    BROKEN = auto()
    """The connection ended in the middle: nobody knows what was done."""
    FAILED = auto()
    """It answered with an error of its own, or with what is no answer."""
    TIMED_OUT = auto()
    """It had all the time that the peer is given."""
    OUT_OF_TIME = auto()
    """It had less time than that, so nothing speaks against it."""
    BUSY = auto()
    """All our connections to it are in use."""


AGAINST = frozenset({Kind.UNREACHED, Kind.THROTTLED, Kind.BROKEN, Kind.FAILED, Kind.TIMED_OUT})
"""Speak against the instance, and against the peer."""
UNDONE = frozenset({Kind.UNREACHED, Kind.THROTTLED, Kind.BUSY})
"""Whatever was asked may be asked elsewhere."""
REPEATABLE = UNDONE | {Kind.BROKEN, Kind.FAILED}
"""What is idempotent may be asked elsewhere: there is time left, and another instance may do better."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reason` is for whoever asked, without anything of the answer. `body` is there if it was ANSWERED.

    `retry_after` are the seconds that the instance asked for.
    """

    kind: Kind
    reason: str = ""
    body: Mapping[str, object] | None = None
    retry_after: float | None = None

    @property
    def against(self) -> bool:
        return self.kind in AGAINST

    def repeatable(self, *, idempotent: bool) -> bool:
        return self.kind in (REPEATABLE if idempotent else UNDONE)


_FIRST_THAT_FITS: tuple[tuple[type[Exception], Kind, str], ...] = (
    (httpx.ConnectTimeout, Kind.UNREACHED, "it could not be reached in time"),
    (httpx.ConnectError, Kind.UNREACHED, "it could not be reached"),
    (httpx.PoolTimeout, Kind.BUSY, "all connections to it are in use"),
    (httpx.TimeoutException, Kind.TIMED_OUT, "it did not answer in time"),
    (httpx.NetworkError, Kind.BROKEN, "the connection broke"),
    (httpx.RemoteProtocolError, Kind.BROKEN, "the connection broke"),
    (httpx.LocalProtocolError, Kind.REFUSED, "the request cannot be sent"),
    (httpx.UnsupportedProtocol, Kind.REFUSED, "the request cannot be sent"),
    (httpx.InvalidURL, Kind.REFUSED, "the request cannot be sent"),
)


def outcome_of(error: Exception) -> Outcome:
    """Of an exception of httpx; what it may add one day is a failure of the instance."""
    for kind_of_error, kind, reason in _FIRST_THAT_FITS:
        if isinstance(error, kind_of_error):
            return Outcome(kind, reason)
    return Outcome(Kind.FAILED, "it did not speak HTTP")
