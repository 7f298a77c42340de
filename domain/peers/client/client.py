"""A peer as its callers see it: they post, and have the answer in time, or are told that there is none."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from domain.errors import PeerUnavailable
from domain.peers.balancer.balancer import Balancer
from domain.peers.balancer.pick import Pick
from domain.peers.breaker.errors import CircuitOpen
from domain.peers.client import deadline as deadlines
from domain.peers.client import trace
from domain.peers.client.authority import authority
from domain.peers.client.balancing import Balancing
from domain.peers.client.call import Call
from domain.peers.client.connections import OpenClient, clients
from domain.peers.client.exchange import Exchange
from domain.peers.client.outcome import Kind, Outcome
from domain.peers.client.pools import Pools
from domain.peers.client.retry_budget import DEFAULT_RETRIES, RetryBudget, RetryPolicy
from domain.peers.client.status import ClientStatus
from domain.peers.client.verdict import Against, NoVerdict, tell_balancer, tell_breaker
from domain.peers.instance import Instance
from domain.settings import PeerSettings

ATTEMPTS = 3
"""Of one call, at most."""

Guard = Callable[[], AbstractAsyncContextManager[object]]
"""The peer's circuit breaker around one attempt; entering raises CircuitOpen."""


@dataclass(frozen=True, slots=True)
class PeerResponse:
    """A JSON object, and which instance gave it."""

    body: Mapping[str, object]
    address: str


class PeerClient:
    """`look_again` asks for a fresh look at where the instances are, whose result `update` is told."""

    def __init__(
        self,
        peer: str,
        settings: PeerSettings,
        *,
        guard: Guard,
        look_again: Callable[[], None],
        open_client: OpenClient | None = None,
        balancer: Balancing | None = None,
        retries: RetryPolicy = DEFAULT_RETRIES,
        monotonic: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        self._peer = peer
        self._timeout = settings.timeout.total_seconds()
        self._guard = guard
        self._look_again = look_again
        self._monotonic = monotonic
        self._random = random or Random()  # noqa: S311 - balancing and trace ids are no secrets
        self._balancer = balancer or Balancer(monotonic=monotonic, random=self._random)
        self._budget = RetryBudget(retries, monotonic=monotonic)
        self._pools = Pools(open_client or clients(tls=settings.tls, http2=settings.http2))
        self._exchange = Exchange(settings.path, authority=authority(settings.url), monotonic=monotonic)
        self._outcomes = Counter[Kind]()

    def update(self, instances: Collection[Instance]) -> None:
        """These are the instances now; no request that is in flight is dropped."""
        self._balancer.update(instances)
        self._pools.update(instances)

    async def post(
        self,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        idempotent: bool = True,
    ) -> PeerResponse:
        """`deadline` is the monotonic clock's; the peer's own timeout ends the call if that comes first.

        Raises PeerUnavailable.
        """
        call = self._call(body, headers or {}, deadline, idempotent=idempotent)
        self._budget.deposit()
        pick, tried = self._first(), list[Instance]()
        while True:
            with pick:
                outcome = await self._attempt(pick, call)
            if outcome.body is not None:
                return PeerResponse(outcome.body, pick.instance.address)
            tried.append(pick.instance)
            if (another := self._another(outcome, call, tried)) is None:
                raise self._unavailable(outcome)
            pick = another

    def status(self) -> ClientStatus:
        return ClientStatus(
            instances=self._balancer.status(),
            panic=self._balancer.panic,
            outcomes={kind.name.lower(): self._outcomes[kind] for kind in Kind},
            retries=self._budget.retries,
            retries_refused=self._budget.refused,
        )

    async def aclose(self) -> None:
        await self._pools.aclose()

    def _call(self, body: bytes, headers: Mapping[str, str], deadline: float | None, *, idempotent: bool) -> Call:
        now = self._monotonic()
        due = deadlines.due(self._timeout, deadline, now)
        if due <= now:
            raise PeerUnavailable(self._peer, "there was no time left to ask it")
        others = {name: value for name, value in headers.items() if name not in {trace.HEADER, trace.STATE}}
        return Call(body, {**others, **trace.headers(headers, self._random)}, idempotent, self._timeout, due)

    def _first(self) -> Pick:
        if (pick := self._balancer.pick()) is None:
            self._look_again()
            raise PeerUnavailable(self._peer, "no instance of it is known")
        return pick

    async def _attempt(self, pick: Pick, call: Call) -> Outcome:
        try:
            async with self._guard():
                async with self._pools.lease(pick.instance) as client:
                    outcome = await self._exchange(client, call)
                self._note(pick, outcome)
                tell_breaker(outcome)
                return outcome
        except (Against, NoVerdict) as exc:
            return exc.outcome
        except CircuitOpen as exc:
            raise PeerUnavailable(self._peer, "its circuit is open", retry_after=exc.retry_after) from exc

    def _note(self, pick: Pick, outcome: Outcome) -> None:
        self._outcomes[outcome.kind] += 1
        tell_balancer(pick, outcome)
        if outcome.kind in {Kind.UNREACHED, Kind.BROKEN}:
            self._look_again()

    def _another(self, outcome: Outcome, call: Call, tried: Sequence[Instance]) -> Pick | None:
        """An instance for one more attempt, if there may be one."""
        repeatable = outcome.repeatable(idempotent=call.idempotent) and len(tried) < ATTEMPTS
        if not repeatable or deadlines.seconds_left(call.due, self._monotonic()) == 0.0:
            return None
        pick = self._balancer.pick(tried)
        if pick is None and outcome.kind is Kind.BROKEN:  # one address may be many instances, of which one has ended
            pick = self._balancer.pick()
        if pick is not None and not self._budget.withdraw():
            pick.release()
            return None
        return pick

    def _unavailable(self, outcome: Outcome) -> PeerUnavailable:
        after = None if outcome.retry_after is None else timedelta(seconds=outcome.retry_after)
        return PeerUnavailable(self._peer, outcome.reason, retry_after=after)
