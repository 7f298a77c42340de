"""One call of a peer: what is sent to whichever instance, and by when it has to be over."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.peers.client import deadline
from domain.peers.client.answer import GRAPHQL, JSON

CONNECT_TIMEOUT = 0.5
"""Seconds, and at most half of what is left: another instance may be there. Likewise for a free connection."""

_HEADERS = {
    "content-type": JSON,
    "accept": f"{GRAPHQL}, {JSON};q=0.9",
    "accept-encoding": "identity",  # what is small would gain nothing, and what is large is refused by its true size
    "user-agent": "user-service",
}


@dataclass(frozen=True, slots=True)
class Call:
    """`due` is the monotonic clock's; `timeout` are the seconds that the peer is given, of which fewer may be left."""

    body: bytes
    headers: Mapping[str, str]
    idempotent: bool
    timeout: float
    due: float

    def headers_with(self, seconds_left: float) -> Mapping[str, str]:
        return {**_HEADERS, **self.headers, deadline.HEADER: deadline.header(seconds_left)}


def connect_timeout(seconds_left: float) -> float:
    return min(CONNECT_TIMEOUT, seconds_left / 2)
