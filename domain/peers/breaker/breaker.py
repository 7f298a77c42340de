"""The breaker of one dependency: guards for its calls, and what operators see of it and do to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import TracebackType
from typing import Self

from purgatory import AsyncAbstractUnitOfWork
from purgatory.service._async.circuitbreaker import AsyncCircuitBreaker
from purgatory.service._async.messagebus import AsyncMessageRegistry
from purgatory.typing import StateName

from domain.peers.breaker.context import Call, CallState, Circuit
from domain.peers.breaker.forced import ForcedClosed, ForcedOpened
from domain.peers.breaker.states import Closed
from domain.peers.breaker.tally import Tally


class Mode(StrEnum):
    """Who decides: the circuit itself, or an operator."""

    AUTO = "auto"
    OPEN = "open"
    CLOSED = "closed"


_FIRST_STATE: dict[Mode, Callable[[Circuit], CallState]] = {
    Mode.AUTO: Closed,
    Mode.OPEN: ForcedOpened,
    Mode.CLOSED: ForcedClosed,
}


@dataclass(frozen=True, slots=True)
class BreakerStatus:
    """`tally` is of the calls that the state rests on; `retry_after` is zero where a call would pass."""

    name: str
    state: StateName
    mode: Mode
    tally: Tally
    retry_after: timedelta


class Guard(AsyncCircuitBreaker):
    """Around one call: `async with guard:`. Raises CircuitOpen instead of entering.

    A timeout belongs within: from outside it arrives as a cancellation, which says nothing of the dependency.
    """

    def __init__(self, circuit: Circuit, uow: AsyncAbstractUnitOfWork, bus: AsyncMessageRegistry) -> None:
        super().__init__(circuit, uow, bus)
        self._circuit = circuit
        self._call: Call | None = None

    async def __aenter__(self) -> Self:
        if self._call is not None:
            raise RuntimeError(f"A guard of {self._circuit.name} is around another call: take a new one for each.")
        self._circuit.call = call = Call()
        try:
            await super().__aenter__()
        finally:
            if self._circuit.messages:
                await publish(self._circuit, self.uow, self.messagebus)
        self._call = call
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._call is not None:
            self._circuit.call, self._call = self._call, None
            await super().__aexit__(exc_type, exc, tb)


class Breaker:
    def __init__(self, circuit: Circuit, uow: AsyncAbstractUnitOfWork, bus: AsyncMessageRegistry) -> None:
        self._circuit = circuit
        self._uow = uow
        self._bus = bus
        self._mode = Mode.AUTO
        circuit.set_state(Closed(circuit))
        circuit.messages.clear()  # it has not changed, it begins

    def guard(self) -> Guard:
        """A guard for one call."""
        return Guard(self._circuit, self._uow, self._bus)

    async def force(self, mode: Mode) -> None:
        """Hold the circuit open or closed, or let it find its own way again, from closed."""
        if mode is self._mode:
            return
        self._mode = mode
        self._circuit.open_time.reset()
        self._circuit.set_state(_FIRST_STATE[mode](self._circuit))
        await publish(self._circuit, self._uow, self._bus)

    def status(self) -> BreakerStatus:
        state, now = self._circuit.current, self._circuit.monotonic()
        return BreakerStatus(
            self._circuit.name,
            self._circuit.state,
            self._mode,
            state.tally(now).copy(),
            timedelta(seconds=state.retry_after(now)),
        )


async def publish(circuit: Circuit, uow: AsyncAbstractUnitOfWork, bus: AsyncMessageRegistry) -> None:
    """Tell the listeners what purgatory tells them only when a call that passed has ended."""
    while circuit.messages:
        await bus.handle(circuit.messages.pop(0), uow)
