"""The balancer of one peer: two instances are drawn, and the request goes to the one that will be quicker."""

import math
import time
from collections.abc import Callable, Collection, Sequence
from random import Random

from domain.peers.balancer.choice import draw_two
from domain.peers.balancer.ejection import Ejection
from domain.peers.balancer.member import Member, Usual
from domain.peers.balancer.pick import Pick
from domain.peers.balancer.policy import DEFAULT_POLICY, BalancerPolicy
from domain.peers.balancer.status import InstanceStatus, status_of
from domain.peers.balancer.view import View, usual, view
from domain.peers.instance import Instance

NOISE = 1.25
"""Costs that are closer than this factor are the same: the weights then decide."""

DRAWS = 3
"""Where one in five is slow, both of two are so once in 25 times: then two others are drawn, up to so many times."""
SLOW = 1.5
"""Who takes so many times as long as is usual."""


class Balancer:
    """Power of two choices (Mitzenmacher) over the cost of `Member.cost`: a pick takes the same time whether there
    are ten instances or a thousand.
    """

    def __init__(
        self,
        *,
        policy: BalancerPolicy = DEFAULT_POLICY,
        monotonic: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._random = random or Random()  # noqa: S311 - balancing is no secret
        self._members: dict[str, Member] = {}
        self._usual = Usual()
        self._ejection = Ejection(policy.ejection, monotonic())
        self._view: View | None = None

    def update(self, instances: Collection[Instance]) -> None:
        """These are the instances now; what is known of those that stay is kept, though weights may change."""
        since = self._monotonic() if self._members else -math.inf
        before, self._members = self._members, {}
        for instance in instances:
            address = instance.address
            member = before.get(address) or Member(instance, self._policy, since, self._usual)
            member.instance = instance
            self._members[address] = member
        self._ejection.watch([member.health for member in self._members.values()])
        self._view = None

    def pick(self, exclude: Collection[Instance] = ()) -> Pick | None:
        """An instance for one request; None: there is none that is not excluded."""
        now = self._monotonic()
        if self._view is None or now >= self._view.expires:
            self._view = self._look(self._members.values(), now)
            self._usual.seconds = usual(self._members.values(), now)
        chosen = self._choose(self._without(exclude, now) if exclude else self._view, now)
        return None if chosen is None else Pick(chosen, self._monotonic, self._ended)

    def status(self) -> Sequence[InstanceStatus]:
        now = self._monotonic()
        return [status_of(member, now) for member in self._members.values()]

    @property
    def panic(self) -> bool:
        """Whether so few instances are in health that all are asked."""
        return self._look(self._members.values(), self._monotonic()).panic

    def _choose(self, among: View, now: float) -> Member | None:
        match len(among.members):
            case 0:
                return None
            case 1:
                return among.members[0]
        chosen = self._better_of_two(among, now)
        slow = SLOW * self._usual.seconds
        for _ in range(DRAWS - 1):
            if chosen.takes(now) <= slow:
                break
            chosen = self._better_of_two(among, now)
        return chosen

    def _better_of_two(self, among: View, now: float) -> Member:
        first, second = draw_two(among.cumulative, self._random)
        cost = among.members[first].cost(now, among.relative[first])
        other = among.members[second].cost(now, among.relative[second])
        return among.members[second if other * NOISE < cost else first]

    def _look(self, members: Collection[Member], now: float) -> View:
        for member in members:
            member.take_back(now)
        return view(members, self._policy, now)

    def _without(self, exclude: Collection[Instance], now: float) -> View:
        excluded = {instance.address for instance in exclude}
        return self._look([member for address, member in self._members.items() if address not in excluded], now)

    def _ended(self, pick: Pick, failed: bool) -> None:
        member, now = pick.member, self._monotonic()
        if self._ejection.record(member.health, now, failed=failed) or not member.health.usable(now):
            self._view = None
