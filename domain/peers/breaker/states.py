"""The states of a circuit that finds its own way: closed, opened, half-opened."""

from purgatory.domain.model import CLOSED, HALF_OPENED, Context
from purgatory.typing import StateName

from domain.peers.breaker.context import Call, Circuit
from domain.peers.breaker.counting import CountingState
from domain.peers.breaker.refusing import RefusingState, refuse
from domain.peers.breaker.tally import Tally
from domain.peers.breaker.window import Window


class Closed(CountingState):
    """Every call passes; too many failed or slow ones in the window open the circuit."""

    name: StateName = CLOSED

    def __init__(self, circuit: Circuit) -> None:
        super().__init__(circuit)
        self._since = circuit.monotonic()
        self._window = Window(circuit.policy.window.total_seconds(), circuit.policy.buckets, self._since)

    def handle_new_request(self, context: Context) -> None:
        """Every call passes."""

    def handle_abandoned_request(self) -> None:
        """Nothing was learned."""

    def tally(self, now: float) -> Tally:
        return self._window.tally(now)

    def count(self, call: Call, *, failed: bool, slow: bool) -> Tally:
        return self._window.record(call.ended, failed=failed, slow=slow)

    def decide(self, tally: Tally, *, well: bool) -> None:
        """A call that went well never opens the circuit: what has just recovered would be punished for its past."""
        if not well and self.circuit.policy.condemns(tally):
            _open(self.circuit, tally.copy(), closed_for=self.circuit.call.ended - self._since)


class Opened(RefusingState):
    """No call passes until the time is over; the first one after it finds the circuit half-open."""

    def __init__(self, circuit: Circuit, tally: Tally, *, opened_at: float, seconds: float) -> None:
        super().__init__(circuit)
        self.opened_at = opened_at
        self._until = opened_at + seconds
        self._tally = tally

    def handle_new_request(self, context: Context) -> None:
        if self.circuit.call.started < self._until:
            refuse(self.circuit, self._until - self.circuit.call.started)
        self.circuit.set_state(HalfOpened(self.circuit))
        self.circuit.handle_new_request()

    def tally(self, now: float) -> Tally:
        return self._tally

    def retry_after(self, now: float) -> float:
        return max(0.0, self._until - now)


class HalfOpened(CountingState):
    """A few calls pass as probes, each under a lease, and their results close the circuit or open it again."""

    name: StateName = HALF_OPENED

    def __init__(self, circuit: Circuit) -> None:
        super().__init__(circuit)
        self._results = Tally()
        self._lease = circuit.policy.probe_lease.total_seconds()
        self._leases: dict[Call, float] = {}  # when each ends, the first to end first

    def handle_new_request(self, context: Context) -> None:
        call = self.circuit.call
        self._take_back(call.started)
        if self._results.calls + len(self._leases) >= self.circuit.policy.probes:
            refuse(self.circuit, self.retry_after(call.started))
        self._leases[call] = call.started + self._lease

    def handle_abandoned_request(self) -> None:
        self._leases.pop(self.circuit.call, None)

    def tally(self, now: float) -> Tally:
        return self._results

    def retry_after(self, now: float) -> float:
        """The first lease to end; a probe that returns may close the circuit before."""
        if self._results.calls + len(self._leases) < self.circuit.policy.probes:
            return 0.0
        return max(0.0, next(iter(self._leases.values())) - now)

    def count(self, call: Call, *, failed: bool, slow: bool) -> Tally | None:
        self._take_back(call.ended)
        if self._leases.pop(call, None) is None:
            return None
        self._results.add(failed=failed, slow=slow)
        return self._results

    def decide(self, tally: Tally, *, well: bool) -> None:
        if self.circuit.policy.condemns_probes(tally):
            _open(self.circuit, tally, closed_for=0.0)
        elif tally.calls == self.circuit.policy.probes:
            self.circuit.recover_failure()
            self.circuit.set_state(Closed(self.circuit))

    def _take_back(self, now: float) -> None:
        for call in [call for call, ends in self._leases.items() if ends <= now]:
            del self._leases[call]


def _open(circuit: Circuit, tally: Tally, *, closed_for: float) -> None:
    seconds = circuit.open_time.next(closed_for)
    circuit.set_state(Opened(circuit, tally, opened_at=circuit.call.ended, seconds=seconds))
    circuit.mark_opened(tally, seconds)
