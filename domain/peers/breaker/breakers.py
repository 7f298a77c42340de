"""One breaker for each dependency, by its name, and the listeners to them all."""

import time
from collections.abc import Callable, Iterable, Mapping
from random import Random

from purgatory import AsyncAbstractUnitOfWork, AsyncInMemoryUnitOfWork
from purgatory.domain.messages.base import Event
from purgatory.service._async.messagebus import AsyncMessageRegistry

from domain.peers.breaker.breaker import Breaker, BreakerStatus, Guard, Mode
from domain.peers.breaker.context import Circuit
from domain.peers.breaker.events import EVENTS, Listener
from domain.peers.breaker.failures import IsFailure, is_failure
from domain.peers.breaker.policy import BreakerPolicy


class Breakers:
    """`async with breakers.get("search"): ...` guards one call.

    purgatory's factory is not used: it makes contexts of its own and takes a coroutine to find them. Its guard, its
    message bus and its unit of work are.
    """

    def __init__(
        self,
        names: Iterable[str] = (),
        *,
        policy: BreakerPolicy = BreakerPolicy(),  # noqa: B008 - frozen
        policies: Mapping[str, BreakerPolicy] | None = None,
        is_failure: IsFailure = is_failure,
        monotonic: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        """`policies` are those of the names whose policy is not `policy`; `names` are in `status` from the start."""
        self._policy = policy
        self._policies = policies or {}
        self._is_failure = is_failure
        self._monotonic = monotonic
        self._random = random or Random()  # noqa: S311 - jitter is no secret
        self._uow = AsyncInMemoryUnitOfWork()
        self._bus = AsyncMessageRegistry()
        self._breakers: dict[str, Breaker] = {}
        for name in names:
            self.breaker(name)

    def get(self, name: str) -> Guard:
        """A guard for one call of this dependency; names are few, so a breaker once made stays."""
        return self.breaker(name).guard()

    def breaker(self, name: str) -> Breaker:
        if (found := self._breakers.get(name)) is None:
            found = self._breakers[name] = self._make(name)
        return found

    def listen(self, listener: Listener) -> None:
        async def hear(event: Event, _uow: AsyncAbstractUnitOfWork) -> None:
            listener(event)

        for kind in EVENTS:
            self._bus.add_listener(kind, hear)

    async def force(self, name: str, mode: Mode) -> None:
        await self.breaker(name).force(mode)

    def status(self) -> list[BreakerStatus]:
        return [breaker.status() for breaker in self._breakers.values()]

    def _make(self, name: str) -> Breaker:
        circuit = Circuit(
            name,
            self._policies.get(name, self._policy),
            is_failure=self._is_failure,
            monotonic=self._monotonic,
            random=self._random,
        )
        return Breaker(circuit, self._uow, self._bus)
