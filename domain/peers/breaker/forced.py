"""The states that an operator puts a circuit in, which nothing but the operator ends."""

from purgatory.domain.model import OPENED, Context
from purgatory.typing import StateName

from domain.peers.breaker.context import CallState
from domain.peers.breaker.states import Closed, refuse
from domain.peers.breaker.tally import Tally


class ForcedClosed(Closed):
    """Every call passes and is counted, and however they end, the circuit stays closed."""

    def decide(self, tally: Tally) -> None:
        """It is decided already."""


class ForcedOpened(CallState):
    """No call passes; the longest time that a circuit stays open is what callers are told to wait."""

    name: StateName = OPENED

    def handle_new_request(self, context: Context) -> None:
        refuse(self.circuit, self.retry_after(self.circuit.call.started))

    def handle_exception(self, context: Context, exc: BaseException) -> None:
        """No call passes, so none ends."""

    def handle_end_request(self, context: Context) -> None:
        """Likewise."""

    def handle_abandoned_request(self) -> None:
        """Likewise."""

    def tally(self, now: float) -> Tally:
        return Tally()

    def retry_after(self, now: float) -> float:
        return self.circuit.policy.longest.total_seconds()
