"""Counters of processes that die and begin again at nothing."""

from tests.chaos.redelivery import StaleWrites


def test_what_a_dead_process_has_counted_stays_counted() -> None:
    stale = StaleWrites([1, 2])
    for port, count in [(1, 3), (2, 5), (1, 4), (2, 1), (1, 4)]:
        stale.saw(port, count)
    assert stale.count == 4 + 5 + 1
