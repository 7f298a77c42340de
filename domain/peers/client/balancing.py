"""Port: whoever says which instance is asked."""

from collections.abc import Collection, Sequence
from typing import Protocol

from domain.peers.balancer.pick import Pick
from domain.peers.balancer.status import InstanceStatus
from domain.peers.instance import Instance


class Balancing(Protocol):
    """What the client needs of a Balancer."""

    @property
    def panic(self) -> bool: ...

    def update(self, instances: Collection[Instance]) -> None: ...

    def pick(self, exclude: Collection[Instance] = ()) -> Pick | None: ...

    def status(self) -> Sequence[InstanceStatus]: ...
