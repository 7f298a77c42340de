"""How an outcome is told: to the breaker as the exception that leaves its guard, to the balancer as the pick's end."""

from domain.peers.balancer.pick import Pick
from domain.peers.client.outcome import Kind, Outcome

UNREACHED_REST = 1.0
"""Seconds for which an instance that could not be reached is not asked, while there are enough others."""


class Against(Exception):
    """Counts as a failure of the peer."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class NoVerdict(BaseException):
    """Leaves a guard as a cancellation does: nothing is known of the peer."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def tell_balancer(pick: Pick, outcome: Outcome) -> None:
    match outcome.kind:
        case Kind.ANSWERED | Kind.REFUSED | Kind.TOO_LARGE:
            pick.succeed()
        case Kind.THROTTLED:
            pick.throttle(rest=outcome.retry_after or 0.0)
        case Kind.UNREACHED:
            pick.fail(rest=UNREACHED_REST)
        case Kind.BROKEN | Kind.FAILED | Kind.TIMED_OUT:
            pick.fail()
        case Kind.BUSY | Kind.OUT_OF_TIME:
            pick.release()


def tell_breaker(outcome: Outcome) -> None:
    """Raises, within the guard, what it is to learn; nothing if the peer did well."""
    if outcome.against:
        raise Against(outcome)
    if outcome.kind in {Kind.BUSY, Kind.OUT_OF_TIME}:
        raise NoVerdict(outcome)
