"""What operators see of a peer's client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.peers.balancer.status import InstanceStatus


@dataclass(frozen=True, slots=True)
class ClientStatus:
    """`panic`: too few instances are in health, so all are asked. `outcomes` count attempts, by the kind's name in
    lower case; `retries` are the attempts after a call's first, `retries_refused` those the budget had no token for.
    """

    instances: Sequence[InstanceStatus]
    panic: bool
    outcomes: Mapping[str, int]
    retries: int
    retries_refused: int
