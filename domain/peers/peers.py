"""Port: what peers say of users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from domain.peers.entities import Wanted
from domain.peers.status import PeerStatus


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that peers are asked for: its token, for peers that may see it; when its answer is due, by the
    monotonic clock; the headers of its W3C trace context.
    """

    token: str | None = None
    deadline: float | None = None
    trace: Mapping[str, str] = field(default_factory=dict)


class PeerFields(Protocol):
    async def fetch(self, peer: str, wanted: Sequence[Wanted], origin: Origin) -> Mapping[Wanted, Any]:
        """For each of `wanted` its value, with a PeerUnavailable where the peer failed. Raises nothing."""
        ...

    def status(self) -> Sequence[PeerStatus]: ...


class NoPeers:
    """Where none are configured: nothing in the schema asks them."""

    async def fetch(self, peer: str, wanted: Sequence[Wanted], origin: Origin) -> Mapping[Wanted, Any]:
        raise LookupError(f"there is no peer {peer}")

    def status(self) -> Sequence[PeerStatus]:
        return ()
