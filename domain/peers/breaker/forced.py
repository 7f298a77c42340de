"""The states that an operator puts a circuit in, which nothing but the operator ends."""

from domain.peers.breaker.refusing import RefusingState
from domain.peers.breaker.states import Closed
from domain.peers.breaker.tally import Tally


class ForcedClosed(Closed):
    """Every call passes and is counted, and however they end, the circuit stays closed."""

    def decide(self, tally: Tally, *, well: bool) -> None:
        """It is decided already."""


class ForcedOpened(RefusingState):
    """No call passes; the longest time that a circuit stays open is what callers are told to wait."""

    def tally(self, now: float) -> Tally:
        return Tally()

    def retry_after(self, now: float) -> float:
        return self.circuit.policy.longest.total_seconds()
