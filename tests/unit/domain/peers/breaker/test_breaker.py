"""The breaker under asyncio: concurrent callers, cancelled ones, and what purgatory alone gets wrong."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest
from purgatory.domain.messages.base import Event
from purgatory.domain.messages.events import ContextChanged

from domain.errors import StoreUnavailable
from domain.peers.breaker.breaker import Breaker, Mode
from domain.peers.breaker.breakers import Breakers
from domain.peers.breaker.errors import CircuitOpen
from domain.peers.breaker.events import CallRefused, CallSlow, CircuitOpened
from domain.peers.breaker.policy import BreakerPolicy
from domain.peers.breaker.tally import Tally
from tests.unit.domain.peers.breaker.driving import Clock, at_once, call

POLICY = BreakerPolicy(
    minimum_calls=4,
    probes=2,
    open_for=timedelta(seconds=1),
    slow_after=timedelta(seconds=2),
    probe_lease=timedelta(seconds=10),
    jitter=0.0,
)
DOWN = StoreUnavailable()


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(["store"], policy=POLICY, monotonic=clock, random=Random(1))


@pytest.fixture
def breaker(breakers: Breakers) -> Breaker:
    return breakers.breaker("store")


def opened(breaker: Breaker) -> Breaker:
    for _ in range(POLICY.minimum_calls):
        call(breaker.guard(), DOWN)
    assert breaker.status().state == "opened"
    return breaker


def half_opened(breaker: Breaker, clock: Clock) -> Breaker:
    opened(breaker)
    clock.now += 1.0
    return breaker


async def test_the_call_s_own_error_arrives(breaker: Breaker) -> None:
    with pytest.raises(StoreUnavailable) as error:
        async with breaker.guard():
            raise DOWN
    assert error.value is DOWN


def test_a_call_that_went_well_opens_nothing(breaker: Breaker) -> None:
    for _ in range(POLICY.minimum_calls - 1):
        call(breaker.guard(), DOWN)
    call(breaker.guard())
    assert breaker.status().state == "closed"
    call(breaker.guard(), DOWN)
    assert breaker.status().state == "opened"


async def test_a_half_open_circuit_lets_so_many_of_twenty_callers_through(breaker: Breaker, clock: Clock) -> None:
    half_opened(breaker, clock)
    entered = 0

    async def ask() -> None:
        nonlocal entered
        async with breaker.guard():
            entered += 1
            await asyncio.sleep(0)

    results = await asyncio.gather(*(ask() for _ in range(20)), return_exceptions=True)
    assert entered == POLICY.probes
    assert sum(isinstance(result, CircuitOpen) for result in results) == 20 - POLICY.probes
    assert breaker.status().state == "closed"


async def test_cancelled_callers_neither_fail_nor_succeed(breaker: Breaker) -> None:
    async def hang() -> None:
        async with breaker.guard():
            await asyncio.Event().wait()

    call(breaker.guard(), DOWN)
    tasks = [asyncio.create_task(hang()) for _ in range(50)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert breaker.status().tally == Tally(calls=1, failed=1)


async def test_a_cancelled_probe_leaves_its_place_to_another(breaker: Breaker, clock: Clock) -> None:
    half_opened(breaker, clock)

    async def hang() -> None:
        async with breaker.guard():
            await asyncio.Event().wait()

    probes = [asyncio.create_task(hang()) for _ in range(POLICY.probes)]
    await asyncio.sleep(0)
    with pytest.raises(CircuitOpen):
        call(breaker.guard())
    probes[0].cancel()
    await asyncio.wait([probes[0]])
    call(breaker.guard())
    assert breaker.status().tally == Tally(calls=1)
    probes[1].cancel()
    await asyncio.wait([probes[1]])


async def test_a_generator_that_is_closed_by_another_task_gives_its_lease_back(breaker: Breaker, clock: Clock) -> None:
    half_opened(breaker, clock)

    async def rows() -> AsyncIterator[int]:
        async with breaker.guard():
            yield 1
            yield 2

    generators = [rows(), rows()]
    for generator in generators:
        assert await anext(generator) == 1
    assert breaker.status().retry_after == POLICY.probe_lease
    for generator in generators:
        await asyncio.create_task(generator.aclose())  # type: ignore[attr-defined]
    assert breaker.status().tally == Tally()
    assert breaker.status().retry_after == timedelta(0)


def test_a_timeout_within_the_guard_is_a_failure(breaker: Breaker) -> None:
    async def ask() -> None:
        async with breaker.guard(), asyncio.timeout(0):
            await asyncio.sleep(1)

    with pytest.raises(TimeoutError):
        asyncio.run(ask())
    assert breaker.status().tally == Tally(calls=1, failed=1)


def test_an_error_that_is_false_has_failed_all_the_same(breaker: Breaker) -> None:
    class Empty(Exception):
        def __len__(self) -> int:
            return 0

    call(breaker.guard(), Empty())
    assert breaker.status().tally == Tally(calls=1, failed=1)


async def test_each_refusal_is_new_and_its_traceback_short(breaker: Breaker) -> None:
    opened(breaker)
    refusals = []
    for _ in range(100):
        with pytest.raises(CircuitOpen) as caught:
            async with breaker.guard():
                pytest.fail("It was let through.")
        refusals.append(caught.value)
    assert len({id(refusal) for refusal in refusals}) == 100
    assert len({len(traceback.extract_tb(refusal.__traceback__)) for refusal in refusals}) == 1
    assert all(refusal.__context__ is None for refusal in refusals)


def test_a_refusal_says_what_was_not_asked_and_when_to_ask_again(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 0.25
    with pytest.raises(CircuitOpen) as refusal:
        call(breaker.guard())
    assert refusal.value.retry_after == timedelta(seconds=0.75)
    assert str(refusal.value) == "store was not asked, its circuit is open: try again in 0.75 s."


async def test_results_from_before_it_opened_decide_neither_about_the_probes_nor_afterwards(
    breaker: Breaker, clock: Clock
) -> None:
    old = [breaker.guard() for _ in range(10)]
    for guard in old:
        await guard.__aenter__()
    half_opened(breaker, clock)
    probe = breaker.guard()
    await probe.__aenter__()
    for guard in old[:5]:
        await guard.__aexit__(StoreUnavailable, DOWN, None)
    assert (breaker.status().state, breaker.status().tally) == ("half-opened", Tally())
    await probe.__aexit__(None, None, None)
    call(breaker.guard())
    for guard in old[5:]:
        await guard.__aexit__(StoreUnavailable, DOWN, None)
    assert (breaker.status().state, breaker.status().tally) == ("closed", Tally())


async def test_a_probe_that_never_returns_keeps_its_place_for_its_lease_only(breaker: Breaker, clock: Clock) -> None:
    half_opened(breaker, clock)
    lost = [breaker.guard() for _ in range(POLICY.probes)]
    for guard in lost:
        await guard.__aenter__()
    clock.now += 9.75
    with pytest.raises(CircuitOpen) as refusal:
        call(breaker.guard())
    assert refusal.value.retry_after == timedelta(seconds=0.25)
    clock.now += 0.25
    for guard in lost:
        await guard.__aexit__(StoreUnavailable, DOWN, None)
    assert (breaker.status().state, breaker.status().tally) == ("half-opened", Tally())
    for _ in range(POLICY.probes):
        call(breaker.guard())
    assert breaker.status().state == "closed"


def test_a_status_is_of_its_moment(breaker: Breaker) -> None:
    before = breaker.status()
    call(breaker.guard())
    assert before.tally == Tally()


def test_a_guard_is_for_one_call_at_a_time(breaker: Breaker) -> None:
    guard = breaker.guard()
    call(guard)
    call(guard)
    at_once(guard.__aenter__())
    with pytest.raises(RuntimeError, match="A guard of store is around another call: take a new one for each"):
        at_once(guard.__aenter__())
    assert breaker.status().tally == Tally(calls=2)


async def test_listeners_hear_everything_at_once(breakers: Breakers, breaker: Breaker, clock: Clock) -> None:
    heard: list[Event] = []
    breakers.listen(heard.append)
    slow = breaker.guard()
    await slow.__aenter__()
    clock.now += 3
    await slow.__aexit__(None, None, None)
    assert heard == [CallSlow("store", timedelta(seconds=3))]
    for _ in range(3):
        call(breaker.guard(), DOWN)
    assert heard[-2:] == [
        ContextChanged("store", "opened", clock.now),
        CircuitOpened("store", Tally(4, 3, 1), timedelta(seconds=1)),
    ]
    with pytest.raises(CircuitOpen):
        call(breaker.guard())
    assert heard[-1] == CallRefused("store", timedelta(seconds=1))


async def test_an_operator_s_word_holds(breaker: Breaker, clock: Clock) -> None:
    await breaker.force(Mode.OPEN)
    clock.now += 1_000_000
    with pytest.raises(CircuitOpen) as refusal:
        call(breaker.guard())
    assert refusal.value.retry_after == POLICY.longest
    await breaker.force(Mode.CLOSED)
    for _ in range(100):
        call(breaker.guard(), DOWN)
    assert (breaker.status().state, breaker.status().mode) == ("closed", Mode.CLOSED)
    await breaker.force(Mode.AUTO)
    assert breaker.status().tally == Tally()
    opened(breaker)


async def test_to_force_what_is_so_already_changes_nothing(breaker: Breaker) -> None:
    opened(breaker)
    await breaker.force(Mode.AUTO)
    assert breaker.status().state == "opened"
