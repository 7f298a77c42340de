"""Which instance is asked."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from domain.peers.balancer.balancer import Balancer
from domain.peers.balancer.pick import Pick
from domain.peers.balancer.status import State
from domain.peers.instance import Instance
from tests.unit.domain.peers.breaker.driving import Clock

A, B, C, D, E = (Instance(f"10.0.0.{n}", 80) for n in range(1, 6))


class Driven:
    """A balancer, its clock, and requests that take what is said, one after the other."""

    def __init__(self, *instances: Instance) -> None:
        self.clock = Clock(now=100.0)
        self.balancer = Balancer(monotonic=self.clock, random=Random(1))
        self.balancer.update(instances)

    def pick(self, *exclude: Instance) -> Pick:
        pick = self.balancer.pick(exclude)
        assert pick is not None
        return pick

    def ask(
        self, times: int, takes: Callable[[Instance], float] = lambda _: 0.01, pause: float = 0.1
    ) -> Counter[Instance]:
        asked = Counter[Instance]()
        for _ in range(times):
            with self.pick() as pick:
                asked[pick.instance] += 1
                self.clock.now += takes(pick.instance)
                pick.succeed()
            self.clock.now += pause
        return asked

    def fail(self, instance: Instance, times: int = 5) -> None:
        others = [one for one in (A, B, C, D, E) if one != instance]
        for _ in range(times):
            self.pick(*others).fail()

    def state(self, instance: Instance) -> State:
        return next(one.state for one in self.balancer.status() if one.address == instance.address)


def test_there_is_none_to_pick_without_instances() -> None:
    assert Balancer().pick() is None


def test_those_that_were_tried_are_not_picked_again() -> None:
    driven = Driven(A, B, C)
    assert {driven.pick(A, B).instance for _ in range(20)} == {C}
    assert driven.balancer.pick([A, B, C]) is None


def test_the_slow_one_is_left_alone() -> None:
    driven = Driven(A, B, C, D, E)
    asked = driven.ask(1000, lambda one: 0.2 if one == A else 0.01, pause=0.01)
    assert asked[A] < 10
    assert min(asked[one] for one in (B, C, D, E)) > 150


def test_where_every_fifth_of_many_is_slow_hardly_a_request_meets_one() -> None:
    instances = [Instance(f"10.0.0.{n}", 80) for n in range(50)]
    driven = Driven(*instances)
    driven.ask(500, lambda one: 0.2 if one in instances[:10] else 0.01, pause=0.001)
    asked = driven.ask(2000, lambda one: 0.2 if one in instances[:10] else 0.01, pause=0.001)
    assert sum(asked[one] for one in instances[:10]) < 25  # 80, if two were drawn only once


def test_one_that_hangs_is_left_alone_before_it_answers() -> None:
    driven = Driven(A, B, C)
    driven.ask(100)
    driven.pick(B, C)  # is not ended, so it hangs
    driven.clock.now += 0.5
    assert driven.ask(100, pause=0.001)[A] == 0


def test_what_was_slow_is_tried_again_in_the_end() -> None:
    driven = Driven(A, B, C)
    driven.ask(100, lambda one: 1.0 if one == A else 0.01)
    assert driven.ask(2000, pause=0.05)[A] > 100


def test_in_flight_counts() -> None:
    driven = Driven(A, B)
    driven.ask(50)
    held = Counter(driven.pick().instance for _ in range(100))
    assert 40 <= held[A] <= 60


@pytest.mark.parametrize("held", [1, 100])
def test_weights_are_shares_with_and_without_load(held: int) -> None:
    light = [Instance(f"10.0.1.{n}", 80, weight=1) for n in range(10)]
    heavy = [Instance(f"10.0.2.{n}", 80, weight=3) for n in range(10)]
    driven, asked, open_picks = Driven(*light, *heavy), Counter[int](), list[Pick]()
    for _ in range(10_000):
        pick = driven.pick()
        asked[pick.instance.weight] += 1
        open_picks.append(pick)
        driven.clock.now += 0.01 / held
        if len(open_picks) == held:
            open_picks.pop(0).succeed()
    assert asked[3] / 10_000 == pytest.approx(0.75, abs=0.05)


def test_weight_0_is_hardly_ever_chosen_and_chosen_where_all_are_so() -> None:
    nothing = [Instance(f"10.0.1.{n}", 80, weight=0) for n in range(5)]
    driven = Driven(*nothing, A, B, C, D, E)
    asked = driven.ask(5000)
    assert 0 < sum(asked[one] for one in nothing) < 150
    driven.balancer.update(nothing)
    assert len(driven.ask(1000)) == 5


def test_a_new_instance_begins_slowly_and_the_first_ones_do_not() -> None:
    driven = Driven(A, B, C, D)
    assert {one.state for one in driven.balancer.status()} == {State.ACTIVE}
    driven.ask(500)
    driven.balancer.update([A, B, C, D, E])
    assert driven.state(E) is State.SLOW_START
    assert driven.ask(200, pause=0.001)[E] < 16  # a fifth would be 40
    driven.clock.now += 30
    assert driven.state(E) is State.ACTIVE
    assert driven.ask(500)[E] > 60


def test_other_weights_keep_what_is_known() -> None:
    driven = Driven(A, B)
    driven.ask(10)
    driven.balancer.update([Instance(A.host, A.port, weight=9), B])
    assert sum(one.requests for one in driven.balancer.status()) == 10
    assert [one.weight for one in driven.balancer.status()] == [9, 1]


def test_failures_eject_and_the_return_is_on_probation_and_slow() -> None:
    driven = Driven(A, B, C, D, E)
    driven.ask(100)
    driven.fail(A)
    assert driven.state(A) is State.EJECTED
    assert driven.ask(90)[A] == 0
    driven.clock.now += 1
    driven.pick().succeed()
    assert driven.state(A) is State.SLOW_START
    driven.fail(A, times=1)
    assert driven.state(A) is State.EJECTED


def test_one_that_fails_at_once_does_not_look_quick() -> None:
    driven, asked = Driven(A, B, C, D, E), Counter[Instance]()
    driven.ask(50)
    driven.balancer.update([A, B, C, D, E])
    for _ in range(200):
        with driven.pick() as pick:
            asked[pick.instance] += 1
            driven.clock.now += 0.0001 if pick.instance == A else 0.01
            pick.fail() if pick.instance == A else pick.succeed()
    assert asked[A] <= 5


def test_after_all_have_failed_for_long_each_is_soon_as_quick_as_it_is() -> None:
    driven = Driven(A, B)
    for _ in range(1000):
        driven.pick().fail()
        driven.clock.now += 0.01
    driven.ask(1000, pause=0.05)
    assert all(one.latency and one.latency.total_seconds() < 0.02 for one in driven.balancer.status())


def test_with_too_few_in_health_all_are_asked() -> None:
    driven = Driven(A, B, C, D)
    driven.ask(20)
    driven.fail(A)
    driven.fail(B)
    assert not driven.balancer.panic
    driven.balancer.update([A, B, C])  # D, which did well, has left
    assert driven.balancer.panic
    assert set(driven.ask(500, pause=0.01)) == {A, B, C}


def test_one_that_asks_for_a_pause_has_it_and_is_not_ejected_for_that() -> None:
    driven = Driven(A, B)
    for _ in range(10):
        driven.pick(B).throttle(rest=5)
    assert driven.state(A) is State.RESTING
    assert driven.ask(40)[A] == 0
    driven.clock.now += 1
    assert driven.state(A) is State.ACTIVE


def test_a_cancelled_request_is_no_failure_and_leaves_nothing_in_flight() -> None:
    driven = Driven(A, B)
    for _ in range(20):
        with pytest.raises(KeyboardInterrupt), driven.pick(B):
            raise KeyboardInterrupt
    status = driven.balancer.status()[0]
    assert (status.state, status.requests, status.failures, status.in_flight) == (State.ACTIVE, 0, 0, 0)


def test_a_pick_ends_once() -> None:
    driven = Driven(A, B)
    pick = driven.pick(B)
    pick.succeed()
    pick.fail()
    pick.release()
    status = driven.balancer.status()[0]
    assert (status.requests, status.failures) == (1, 0)


def test_a_request_to_an_instance_that_has_left_ends_in_peace() -> None:
    driven = Driven(A, B)
    pick = driven.pick(B)
    driven.balancer.update([B])
    pick.fail()
    assert [one.failures for one in driven.balancer.status()] == [0]


def test_another_priority_is_asked_when_the_first_is_not_well() -> None:
    backup = Instance("10.0.9.1", 80, priority=9)
    driven = Driven(A, backup)
    assert driven.ask(20) == {A: 20}
    driven.pick(backup).fail(rest=1)
    assert driven.pick().instance == backup
    driven.clock.now += 1
    assert driven.ask(20) == {A: 20}
