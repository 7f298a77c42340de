"""A peer as operators see it."""

from dataclasses import dataclass

from domain.peers.breaker.breaker import BreakerStatus
from domain.peers.client.status import ClientStatus
from domain.peers.registry import RegistryStatus


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """Where it is found, how its instances do, and its circuit."""

    name: str
    url: str
    registry: RegistryStatus
    client: ClientStatus
    circuit: BreakerStatus
