"""purgatory's Context and State with what its model lacks: a clock, the call in question, a call without an outcome."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from types import TracebackType

from purgatory.domain.model import Context, State

from domain.peers.breaker.events import CallRefused, CallSlow, CircuitOpened
from domain.peers.breaker.failures import IsFailure
from domain.peers.breaker.open_time import OpenTime
from domain.peers.breaker.policy import BreakerPolicy
from domain.peers.breaker.tally import Tally


@dataclass(slots=True, eq=False)
class Call:
    """One guarded call. `began_in` is the state that let it through; times are the monotonic clock's seconds."""

    started: float = 0.0
    ended: float = 0.0
    began_in: State | None = None


class CallState(State):
    """A state of a circuit; it knows its circuit, whose `call` is the one that purgatory's methods are about."""

    def __init__(self, circuit: "Circuit") -> None:
        self.circuit = circuit

    @abstractmethod
    def handle_abandoned_request(self) -> None:
        """The call ended without an outcome: it was cancelled, or its generator was closed."""

    @abstractmethod
    def tally(self, now: float) -> Tally:
        """The calls that this state rests on."""

    def retry_after(self, now: float) -> float:
        """Seconds until a call may be let through, at most; 0: one would be now."""
        return 0.0


class Circuit(Context):
    """The state of one dependency's circuit, and what its states share.

    Nothing here waits, so between `call = ...` and what purgatory's methods make of it nothing else runs.
    """

    _state: CallState

    def __init__(
        self,
        name: str,
        policy: BreakerPolicy,
        *,
        is_failure: IsFailure,
        monotonic: Callable[[], float],
        random: Random,
    ) -> None:
        super().__init__(
            name,
            threshold=policy.minimum_calls,
            ttl=policy.open_for.total_seconds(),
            exclude=[(Exception, lambda error: not is_failure(error))],
        )
        self.policy = policy
        self.monotonic = monotonic
        self.open_time = OpenTime(policy, random)
        self.call = Call()

    @property
    def current(self) -> CallState:
        return self._state

    def __enter__(self) -> "Circuit":
        """Let `call` through, or raise CircuitOpen."""
        call = self.call
        call.started = self.monotonic()
        self._state.handle_new_request(self)
        call.began_in = self._state
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Count how `call` ended, unless the circuit has changed meanwhile: a late result says nothing of today."""
        call = self.call
        if call.began_in is self._state:
            call.ended = self.monotonic()
            if exc is None:
                self._state.handle_end_request(self)
            else:
                self.handle_exception(exc)

    def handle_exception(self, exc: BaseException) -> None:
        if isinstance(exc, Exception):
            super().handle_exception(exc)
        else:
            self._state.handle_abandoned_request()

    def mark_slow(self, seconds: float) -> None:
        self.messages.append(CallSlow(self.name, timedelta(seconds=seconds)))

    def mark_refused(self, retry_after: timedelta) -> None:
        self.messages.append(CallRefused(self.name, retry_after))

    def mark_opened(self, tally: Tally, seconds: float) -> None:
        self.messages.append(CircuitOpened(self.name, tally, timedelta(seconds=seconds)))
