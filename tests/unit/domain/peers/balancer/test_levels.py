"""Priorities and panic."""

import pytest

from domain.peers.balancer.levels import Choice, choose
from domain.peers.instance import Instance

FIRST = [Instance(f"10.0.0.{n}", 80, priority=1) for n in range(4)]
SECOND = [Instance(f"10.0.1.{n}", 80, priority=2) for n in range(4)]


@pytest.mark.parametrize(
    ("well", "chosen", "panic"),
    [
        (FIRST + SECOND, FIRST, False),
        (FIRST[:2] + SECOND, FIRST[:2], False),
        (FIRST[:1] + SECOND, SECOND, False),  # the lone survivor would be overrun
        (SECOND, SECOND, False),
        (SECOND[:2], SECOND[:2], False),
        (FIRST[:1] + SECOND[:1], FIRST, True),
        (SECOND[:1], SECOND, True),
        ([], FIRST, True),
    ],
)
def test_the_lowest_priority_that_is_well(well: list[Instance], chosen: list[Instance], panic: bool) -> None:
    choice = choose([*SECOND, *FIRST], well.__contains__, panic_below=0.5)
    assert (set(choice.members), choice.panic) == (set(chosen), panic)


def test_no_instances_are_no_panic() -> None:
    choice: Choice[Instance] = choose([], lambda _: True, panic_below=0.5)
    assert (choice.members, choice.panic) == ([], False)
