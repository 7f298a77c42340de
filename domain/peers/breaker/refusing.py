"""What the states have in common that let no call pass."""

from datetime import timedelta
from typing import NoReturn

from purgatory.domain.model import OPENED, Context
from purgatory.typing import StateName

from domain.peers.breaker.context import CallState, Circuit
from domain.peers.breaker.errors import CircuitOpen


class RefusingState(CallState):
    """No call passes here, so none ends here either."""

    name: StateName = OPENED

    def handle_new_request(self, context: Context) -> None:
        refuse(self.circuit, self.retry_after(self.circuit.call.started))

    def handle_exception(self, context: Context, exc: BaseException) -> None:
        pass

    def handle_end_request(self, context: Context) -> None:
        pass

    def handle_abandoned_request(self) -> None:
        pass


def refuse(circuit: Circuit, seconds: float) -> NoReturn:
    """Raise CircuitOpen, a new one, and have it told."""
    retry_after = timedelta(seconds=seconds)
    circuit.mark_refused(retry_after)
    raise CircuitOpen(circuit.name, retry_after)
