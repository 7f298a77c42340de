"""Leases under clocks that tests move; the ledgers themselves are tested in tests/contract."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import StoreUnavailable
from domain.users.ledger import Entry
from indexer.errors import LeaseLost
from indexer.lease import PREFIX, Lease, Term
from tests.contract.users.memory import MemoryDatabase, MemoryLedger
from tests.fixtures.virtual_time import run
from tests.unit.indexer.fakes import FakeClock

DURATION = timedelta(seconds=10)


class UnsureLedger(MemoryLedger):
    """Can lose the answer of a write that it has done, or not answer at all."""

    loses_answers = 0
    down = False

    async def read(self, key: str) -> Entry | None:
        if self.down:
            raise StoreUnavailable
        return await super().read(key)

    async def write(self, key: str, value: Mapping[str, Any], *, expected: int) -> bool:
        if self.down:
            raise StoreUnavailable
        written = await super().write(key, value, expected=expected)
        if self.loses_answers:
            self.loses_answers -= 1
            raise StoreUnavailable
        return written


@pytest.fixture
def ledger() -> UnsureLedger:
    return UnsureLedger(MemoryDatabase())


def _lease(ledger: UnsureLedger, holder: str, clock: FakeClock) -> Lease:
    return Lease(ledger, "p", holder=holder, duration=DURATION, monotonic=clock)


async def _held(lease: Lease) -> Term:
    term = await lease.attempt()
    assert term is not None
    return term


async def test_the_first_one_has_it_and_the_second_one_waits(ledger: UnsureLedger) -> None:
    clock = FakeClock()
    term = await _held(_lease(ledger, "a", clock))
    assert (term.epoch, await term.position()) == (1, None)
    assert await _lease(ledger, "b", clock).attempt() is None


async def test_who_does_not_renew_loses_it_by_the_observers_clock(ledger: UnsureLedger) -> None:
    first, second = FakeClock(5.0), FakeClock(90_000.0)
    term = await _held(_lease(ledger, "a", first))
    await term.commit("7")
    observer = _lease(ledger, "b", second)
    assert await observer.attempt() is None
    second.seconds += 9.9
    assert await observer.attempt() is None
    await term.commit("8")  # a sign of life begins the observer's wait anew
    second.seconds += 9.9
    assert await observer.attempt() is None
    second.seconds += 10
    successor = await _held(observer)
    assert (successor.epoch, await successor.position()) == (2, "8")


async def test_who_lost_it_cannot_move_the_checkpoint(ledger: UnsureLedger) -> None:
    clock = FakeClock()
    term, observer = await _held(_lease(ledger, "a", clock)), _lease(ledger, "b", clock)
    await observer.attempt()
    clock.seconds += 10
    successor = await _held(observer)
    await successor.commit("9")
    with pytest.raises(LeaseLost):
        await term.commit("1")
    with pytest.raises(LeaseLost):
        await term.position()
    await term.release()
    assert await successor.position() == "9"


async def test_a_released_lease_is_free_at_once_and_keeps_the_position(ledger: UnsureLedger) -> None:
    clock = FakeClock()
    term = await _held(_lease(ledger, "a", clock))
    await term.commit("3")
    await term.release()
    successor = await _held(_lease(ledger, "b", clock))
    assert (successor.epoch, await successor.position()) == (2, "3")


async def test_the_same_process_cannot_take_its_own_live_lease(ledger: UnsureLedger) -> None:
    clock = FakeClock()
    await _held(_lease(ledger, "a", clock))
    assert await _lease(ledger, "a", clock).attempt() is None


async def test_of_many_at_once_one_has_it(ledger: UnsureLedger) -> None:
    clock = FakeClock()
    terms = await asyncio.gather(*(_lease(ledger, str(n), clock).attempt() for n in range(20)))
    assert sum(term is not None for term in terms) == 1


async def test_a_write_whose_answer_was_lost_does_not_lose_the_lease(ledger: UnsureLedger) -> None:
    term = await _held(_lease(ledger, "a", FakeClock()))
    ledger.loses_answers = 1
    with pytest.raises(StoreUnavailable):
        await term.commit("1")
    await term.commit("2")
    assert await term.position() == "2"
    entry = await ledger.read(PREFIX + "p")
    assert entry is not None
    assert entry.value["position"] == "2"


async def test_a_position_can_be_forgotten(ledger: UnsureLedger) -> None:
    term = await _held(_lease(ledger, "a", FakeClock()))
    await term.commit("1")
    await term.commit(None)
    assert await term.position() is None


async def test_a_lease_that_cannot_be_renewed_for_its_duration_is_given_up(ledger: UnsureLedger) -> None:
    clock = FakeClock()
    term = await _held(Lease(ledger, "p", holder="a", duration=timedelta(milliseconds=30), monotonic=clock))
    keeping = asyncio.create_task(term.keep())
    await asyncio.sleep(0.03)
    assert not keeping.done()
    ledger.down = True
    await asyncio.sleep(0.03)
    assert not keeping.done()
    clock.seconds += 0.1
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(keeping, 1)


def test_standing_by_takes_over_within_a_lease(ledger: UnsureLedger) -> None:
    async def main() -> float:
        clock = asyncio.get_running_loop().time
        first, second = (Lease(ledger, "p", holder=name, duration=DURATION, monotonic=clock) for name in "ab")
        keeping = asyncio.create_task((await _held(first)).keep())
        looks: list[None] = []
        taking = asyncio.create_task(second.acquire(lambda: looks.append(None)))
        await asyncio.sleep(31)
        assert not taking.done()
        assert len(looks) > 30
        keeping.cancel()
        assert (await taking).epoch == 2
        return clock() - 31

    assert 8 < run(main()) <= 11
