"""What operators see of each instance."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.peers.balancer.member import Member


class State(StrEnum):
    ACTIVE = "active"
    SLOW_START = "slow start"
    RESTING = "resting"
    """It cannot be reached, or has asked for a pause."""
    EJECTED = "ejected"
    """It has failed too often."""


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """`latency` is the moving average, None before the first answer; `requests` are those that ended."""

    address: str
    priority: int
    weight: int
    state: State
    latency: timedelta | None
    in_flight: int
    requests: int
    failures: int


def status_of(member: Member, now: float) -> InstanceStatus:
    latency = member.latency.value(now)
    return InstanceStatus(
        member.instance.address,
        member.instance.priority,
        member.instance.weight,
        _state(member, now),
        None if latency is None else timedelta(seconds=latency),
        len(member.open),
        member.requests,
        member.failures,
    )


def _state(member: Member, now: float) -> State:
    if member.health.ejected:
        return State.EJECTED
    if not member.health.usable(now):
        return State.RESTING
    return State.ACTIVE if member.share(now) == 1.0 else State.SLOW_START
