"""What Prometheus is told of circuit breakers: how each one stands, and what became of the calls that it guards."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from purgatory.domain.messages.base import Event
from purgatory.domain.messages.events import CircuitBreakerFailed
from purgatory.domain.model import CLOSED, HALF_OPENED, OPENED

from domain.peers.breaker.breakers import Breakers
from domain.peers.breaker.events import CallRefused, CallSlow, CircuitOpened

STATES = (CLOSED, HALF_OPENED, OPENED)
_COUNTED = {
    CircuitBreakerFailed: "failed",
    CallSlow: "slow",
    CallRefused: "refused",
}


class CircuitMetrics(Collector):
    """Of `breakers`, from its making on."""

    def __init__(self, breakers: Breakers) -> None:
        self._breakers = breakers
        self._calls: Counter[tuple[str, str]] = Counter()
        self._openings: Counter[str] = Counter()
        breakers.listen(self._hear)

    def collect(self) -> Iterator[Metric]:
        state = GaugeMetricFamily("circuit_state", "1 for the state that it is in.", labels=["circuit", "state"])
        calls = CounterMetricFamily("circuit_calls", "Calls that did not go well.", labels=["circuit", "outcome"])
        openings = CounterMetricFamily("circuit_openings", "How often it opened.", labels=["circuit"])
        for status in self._breakers.status():
            for name in STATES:
                state.add_metric([status.name, name], float(name == status.state))
            for outcome in _COUNTED.values():
                calls.add_metric([status.name, outcome], self._calls[status.name, outcome])
            openings.add_metric([status.name], self._openings[status.name])
        yield from (state, calls, openings)

    def _hear(self, event: Event) -> None:
        match event:
            case CircuitOpened(name):
                self._openings[name] += 1
            case CircuitBreakerFailed(name) | CallSlow(name) | CallRefused(name):
                self._calls[name, _COUNTED[type(event)]] += 1
