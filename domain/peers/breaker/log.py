"""A listener that logs what an operator wants to know of a circuit: a line a change, none a call."""

import structlog
from purgatory.domain.messages.base import Event
from purgatory.domain.messages.events import ContextChanged

from domain.peers.breaker.events import CircuitOpened

_log = structlog.get_logger(__name__)


def log_event(event: Event) -> None:
    match event:
        case CircuitOpened(name, tally, open_for):
            _log.warning(
                "circuit_opened",
                circuit=name,
                calls=tally.calls,
                failed=tally.failed,
                slow=tally.slow,
                seconds=round(open_for.total_seconds(), 3),
            )
        case ContextChanged(name, state, _):
            _log.info("circuit_changed", circuit=name, state=state)
