"""One breaker a dependency, each on its own."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from domain.peers.breaker.breakers import Breakers
from domain.peers.breaker.errors import CircuitOpen
from domain.peers.breaker.log import log_event
from domain.peers.breaker.policy import BreakerPolicy
from tests.unit.domain.peers.breaker.driving import Clock, call

POLICY = BreakerPolicy(minimum_calls=2, probes=1, open_for=timedelta(seconds=1), jitter=0.0)


async def test_a_dependency_that_is_down_costs_no_other() -> None:
    breakers = Breakers(["store", "search"], policy=POLICY, monotonic=Clock())
    for _ in range(2):
        with pytest.raises(OSError, match="down"):
            async with breakers.get("search"):
                raise OSError("down")
    with pytest.raises(CircuitOpen):
        async with breakers.get("search"):
            pytest.fail("It was let through.")
    async with breakers.get("store"):
        pass
    assert {status.name: status.state for status in breakers.status()} == {"store": "closed", "search": "opened"}


def test_a_name_may_have_a_policy_of_its_own() -> None:
    breakers = Breakers(policies={"jwks": POLICY}, monotonic=Clock())
    for name in ("jwks", "store"):
        for _ in range(2):
            call(breakers.get(name), OSError())
    assert {status.name: status.state for status in breakers.status()} == {"jwks": "opened", "store": "closed"}


def test_what_counts_as_a_failure_is_the_caller_s_choice() -> None:
    breakers = Breakers(policy=POLICY, is_failure=lambda error: isinstance(error, KeyError), monotonic=Clock())
    for error in (OSError(), KeyError()):
        call(breakers.get("posts"), error)
    assert breakers.status()[0].tally.failed == 1


def test_the_log_has_a_line_a_change_and_none_a_call() -> None:
    clock = Clock(10.0)
    breakers = Breakers(policy=POLICY, monotonic=clock)
    breakers.listen(log_event)
    with capture_logs() as lines:
        for _ in range(2):
            call(breakers.get("posts"), OSError())
        for _ in range(3):
            with pytest.raises(CircuitOpen):
                call(breakers.get("posts"))
        clock.now += 1
        call(breakers.get("posts"))
    assert [(entry["event"], entry.get("state")) for entry in lines] == [
        ("circuit_changed", "opened"),
        ("circuit_opened", None),
        ("circuit_changed", "half-opened"),
        ("circuit_changed", "closed"),
    ]
    assert lines[1] == {
        "event": "circuit_opened",
        "log_level": "warning",
        "circuit": "posts",
        "calls": 2,
        "failed": 2,
        "slow": 0,
        "seconds": 1.0,
    }
