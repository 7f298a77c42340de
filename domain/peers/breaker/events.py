"""What listeners hear: three of purgatory's events, and three that it has no word for.

Event
├── ContextChanged           purgatory's: the circuit is in another state now
├── CircuitBreakerFailed     purgatory's: a call failed, and how many have in the window
├── CircuitBreakerRecovered  purgatory's: the probes went well, the circuit closes
├── CircuitOpened            why a circuit opened, and for how long; follows its ContextChanged
├── CallRefused              a call was not let through
└── CallSlow                 a call took longer than it should, whatever came of it
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from purgatory.domain.messages.base import Event
from purgatory.domain.messages.events import CircuitBreakerFailed, CircuitBreakerRecovered, ContextChanged

from domain.peers.breaker.tally import Tally

Listener = Callable[[Event], None]
"""Called within the guarded call, so it returns at once and does not raise."""


@dataclass(frozen=True)
class CircuitOpened(Event):
    name: str
    tally: Tally
    open_for: timedelta


@dataclass(frozen=True)
class CallRefused(Event):
    name: str
    retry_after: timedelta


@dataclass(frozen=True)
class CallSlow(Event):
    name: str
    duration: timedelta


EVENTS: tuple[type[Event], ...] = (
    ContextChanged,
    CircuitBreakerFailed,
    CircuitBreakerRecovered,
    CircuitOpened,
    CallRefused,
    CallSlow,
)
