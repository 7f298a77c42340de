"""What the states have in common that let calls pass: how a call that ended is counted and told of."""

from abc import abstractmethod

from purgatory.domain.model import Context

from domain.peers.breaker.context import Call, CallState, Circuit
from domain.peers.breaker.tally import Tally


class CountingState(CallState):
    """A state that calls pass through, and that counts how they end."""

    def __init__(self, circuit: Circuit) -> None:
        super().__init__(circuit)
        self.failure_count = 0
        self._slow_after = circuit.policy.slow_after.total_seconds()

    def handle_exception(self, context: Context, exc: BaseException) -> None:
        self._end(failed=True)

    def handle_end_request(self, context: Context) -> None:
        self._end(failed=False)

    def _end(self, *, failed: bool) -> None:
        call = self.circuit.call
        duration = call.ended - call.started
        slow = duration > self._slow_after
        if (tally := self.count(call, failed=failed, slow=slow)) is None:
            return
        if slow:
            self.circuit.mark_slow(duration)
        if failed:
            self.failure_count = tally.failed
            self.circuit.mark_failure(tally.failed)
        self.decide(tally, well=not (failed or slow))

    @abstractmethod
    def count(self, call: Call, *, failed: bool, slow: bool) -> Tally | None:
        """What is known with this call; None if it does not count."""

    @abstractmethod
    def decide(self, tally: Tally, *, well: bool) -> None:
        """Go to another state, or stay, after a call that went `well` or did not."""
