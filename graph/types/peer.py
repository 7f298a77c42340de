"""Peer, as an operator sees one."""

from enum import Enum
from typing import Self

import strawberry
from purgatory.domain.model import CLOSED, HALF_OPENED, OPENED

from domain.peers.balancer.status import InstanceStatus, State
from domain.peers.status import PeerStatus


@strawberry.enum(description="Whether requests go to the peer.")
class CircuitState(Enum):
    CLOSED = CLOSED
    HALF_OPEN = HALF_OPENED
    OPEN = OPENED


@strawberry.enum(description="Whether an instance is asked.")
class PeerInstanceState(Enum):
    ACTIVE = State.ACTIVE.value
    SLOW_START = State.SLOW_START.value
    RESTING = State.RESTING.value
    EJECTED = State.EJECTED.value


@strawberry.type(description="One instance of a peer.")
class PeerInstance:
    address: str
    state: PeerInstanceState
    priority: int
    weight: int
    latency: float | None = strawberry.field(description="Seconds, a moving average; null before the first answer.")
    in_flight: int
    requests: int
    failures: int

    @classmethod
    def of(cls, status: InstanceStatus) -> Self:
        return cls(
            address=status.address,
            state=PeerInstanceState(status.state.value),
            priority=status.priority,
            weight=status.weight,
            latency=None if status.latency is None else status.latency.total_seconds(),
            in_flight=status.in_flight,
            requests=status.requests,
            failures=status.failures,
        )


@strawberry.type(description="Another service that gives users some of their fields.")
class Peer:
    name: str
    url: str = strawberry.field(description="Where its instances are looked for.")
    instances: list[PeerInstance]
    circuit: CircuitState
    retry_after: float | None = strawberry.field(description="Seconds until it is asked again; null while it is asked.")
    lookup_age: float | None = strawberry.field(description="Seconds since its instances were last named.")
    lookup_error: str | None = strawberry.field(description="Why the last look failed; what was known stands.")
    panic: bool = strawberry.field(description="Too few instances are well, so all of them are asked.")

    @classmethod
    def of(cls, status: PeerStatus) -> Self:
        age, after = status.registry.age, status.circuit.retry_after.total_seconds()
        instances = sorted(status.client.instances, key=lambda instance: (instance.priority, instance.address))
        return cls(
            name=status.name,
            url=status.url,
            instances=[PeerInstance.of(instance) for instance in instances],
            circuit=CircuitState(status.circuit.state),
            retry_after=after or None,
            lookup_age=None if age is None else age.total_seconds(),
            lookup_error=status.registry.error,
            panic=status.client.panic,
        )
