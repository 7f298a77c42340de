"""Whom the next requests may go to, with which weights: made once, and good until something changes."""

import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate

from domain.peers.balancer.levels import choose
from domain.peers.balancer.member import Member
from domain.peers.balancer.policy import BalancerPolicy

LONGEST = 1.0
"""Seconds that a view is good for: what is usual changes without a sign."""
NEARLY_NOTHING = 0.01
"""RFC 2782: weight 0 is for what is hardly ever chosen beside others; here, that share of the least other weight."""


@dataclass(frozen=True, slots=True)
class View:
    """`relative` are weights in terms of their mean, `cumulative` their sums so far. Not to be used at `expires`."""

    members: Sequence[Member]
    relative: Sequence[float]
    cumulative: Sequence[float]
    expires: float
    panic: bool


def view(members: Collection[Member], policy: BalancerPolicy, now: float) -> View:
    choice = choose(members, lambda member: member.health.usable(now), panic_below=policy.panic_below)
    weights = _weights(choice.members, now)
    mean = sum(weights) / len(weights) if weights else 1.0
    relative = [weight / mean for weight in weights]
    expires = min((member.changes_at(now) for member in members), default=now + LONGEST)
    return View(choice.members, relative, list(accumulate(relative)), min(expires, now + LONGEST), choice.panic)


def usual(members: Collection[Member], now: float) -> float:
    """The median of their latencies, in seconds: as long as most are quick, it is a quick one's. 0: none is known."""
    known = [latency for member in members if (latency := member.latency.value(now)) is not None]
    return statistics.median(known) if known else 0.0


def _weights(members: Sequence[Member], now: float) -> list[float]:
    least = min((member.instance.weight for member in members if member.instance.weight), default=1)
    return [(member.instance.weight or least * NEARLY_NOTHING) * member.share(now) for member in members]
