"""Who is ejected, for how long, and how many at one time."""

from dataclasses import replace

import pytest

from domain.peers.balancer.ejection import Ejection
from domain.peers.balancer.health import Health
from domain.peers.balancer.policy import EjectionPolicy

POLICY = EjectionPolicy()


class Peer:
    """Instances, and the time."""

    def __init__(self, count: int, policy: EjectionPolicy = POLICY) -> None:
        self.now = 0.0
        self.all = [Health(policy) for _ in range(count)]
        self.ejection = Ejection(policy, self.now)
        self.ejection.watch(self.all)

    def ask(self, number: int, *, times: int = 1, fails: bool) -> None:
        for _ in range(times):
            self.ejection.record(self.all[number], self.now, failed=fails)

    @property
    def ejected(self) -> list[int]:
        return [number for number, health in enumerate(self.all) if health.ejected]


def test_failures_in_a_row_eject() -> None:
    peer = Peer(4)
    peer.ask(0, times=4, fails=True)
    peer.ask(0, fails=False)
    peer.ask(0, times=4, fails=True)
    assert peer.ejected == []
    peer.ask(0, fails=True)
    assert peer.ejected == [0]


@pytest.mark.parametrize(("count", "most"), [(1, 0), (2, 1), (3, 1), (5, 2), (10, 5), (101, 50)])
def test_never_more_than_the_share(count: int, most: int) -> None:
    peer = Peer(count)
    for number in range(count):
        peer.ask(number, times=20, fails=True)
    assert len(peer.ejected) == most


def test_a_bad_rate_ejects_at_the_end_of_the_interval() -> None:
    peer = Peer(10)
    for number in range(10):
        for _ in range(100):
            peer.ask(number, fails=False)
            peer.ask(number, fails=number == 3)
    assert peer.ejected == []
    peer.now = 10
    peer.ask(0, fails=False)
    assert peer.ejected == [3]


def test_rates_of_few_requests_are_not_compared() -> None:
    peer = Peer(10)
    for number in range(10):
        for _ in range(20):
            peer.ask(number, fails=False)
            peer.ask(number, fails=number == 3)
    peer.now = 10
    peer.ask(0, fails=False)
    assert peer.ejected == []


def test_the_worst_go_first() -> None:
    peer = Peer(10, replace(POLICY, largest_share=0.1, deviations=0.5))
    for number in range(10):
        for part in range(100):
            peer.ask(number, fails=part % 4 != 0 and number == 7)
            peer.ask(number, fails=part % 2 == 0 and number == 4)
    peer.ejection.record(peer.all[0], 10, failed=False)
    assert peer.ejected == [7]


def test_each_time_in_a_row_is_longer_and_health_is_forgiving() -> None:
    peer = Peer(4)
    health = peer.all[0]

    def out() -> float:
        """Seconds until it is taken back."""
        begun = peer.now
        while not health.take_back(peer.now):
            peer.now += 0.5
        return peer.now - begun

    peer.ask(0, times=5, fails=True)
    assert out() == 10
    peer.ask(0, fails=True)  # on probation one is enough
    assert out() == 20
    peer.ask(0, fails=True)
    assert out() == 30
    peer.ask(0, fails=False)
    peer.ask(0, times=4, fails=True)  # the probation is over
    assert peer.ejected == []
    for _ in range(10):
        peer.now += 10
        peer.ask(0, fails=False)
    peer.ask(0, times=5, fails=True)
    assert out() == 10


def test_no_ejection_is_longer_than_the_longest() -> None:
    peer = Peer(4)
    for _ in range(1000):
        peer.all[0].eject(0)
    assert not peer.all[0].take_back(299)
    assert peer.all[0].take_back(300)
