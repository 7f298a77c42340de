"""Lease, checkpoint, dead letters and status, on each ledger."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from domain.users.ledger import Ledger
from indexer.dead_letters import DeadLetter, LedgerDeadLetters
from indexer.errors import LeaseLost
from indexer.lease import Lease
from indexer.reporting import Reporter
from indexer.status import State, Status

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
DURATION = timedelta(seconds=10)


async def test_of_many_at_once_one_has_the_lease(ledger: Ledger) -> None:
    terms = await asyncio.gather(
        *(Lease(ledger, "p", holder=str(n), duration=DURATION).attempt() for n in range(8)),
    )
    assert sum(term is not None for term in terms) == 1


async def test_a_lease_is_kept_taken_over_and_released_with_its_position(ledger: Ledger) -> None:
    now = [0.0]
    first = await Lease(ledger, "p", holder="a", duration=DURATION, monotonic=lambda: now[0]).attempt()
    assert first is not None
    await first.commit('{"token": "ä"}')
    other = Lease(ledger, "p", holder="b", duration=DURATION, monotonic=lambda: now[0])
    assert await other.attempt() is None
    now[0] += 10
    second = await other.attempt()
    assert second is not None
    assert (second.epoch, await second.position()) == (2, '{"token": "ä"}')
    with pytest.raises(LeaseLost):
        await first.commit("older")
    await second.commit(None)
    await second.release()
    third = await Lease(ledger, "p", holder="c", duration=DURATION).attempt()
    assert third is not None
    assert (third.epoch, await third.position()) == (3, None)


async def test_renewals_and_commits_at_once_do_not_lose_the_lease(ledger: Ledger) -> None:
    term = await Lease(ledger, "p", holder="a", duration=timedelta(milliseconds=3)).attempt()
    assert term is not None
    keeping = asyncio.create_task(term.keep())
    for number in range(30):
        await term.commit(str(number))
    assert not keeping.done()
    keeping.cancel()
    assert await term.position() == "29"


async def test_a_later_dead_letter_replaces_the_earlier_one_of_its_user(ledger: Ledger) -> None:
    letters = LedgerDeadLetters(ledger)
    await letters.add([DeadLetter("u1", 3, "p", "too long", 2, AT), DeadLetter("u2", 1, "p", "too long", 1, AT)])
    await letters.add([DeadLetter("u1", 4, "p", "too deep", 1, AT)])
    await letters.add([DeadLetter("", 0, "users/3/17", "not JSON", 1, AT)])
    entries = await ledger.entries("dead-letter:", None, 10)
    assert [(entry.key, entry.value["version"]) for entry in entries] == [
        ("dead-letter:u1", 4),
        ("dead-letter:u2", 1),
        ("dead-letter:users/3/17", 0),
    ]
    assert dict(entries[0].value) == {
        "id": "u1",
        "version": 4,
        "origin": "p",
        "reason": "too deep",
        "attempts": 1,
        "at": "2026-01-31T12:00:00.000Z",
    }


async def test_a_status_is_told_and_told_anew(ledger: Ledger) -> None:
    status = Status("a-to-b", clock=lambda: AT)
    reporter = Reporter(ledger, status, "host/1")
    status.state = State.RUNNING
    await reporter.report()
    status.state, status.error = State.BACKOFF, "down"
    await reporter.report()
    (entry,) = await ledger.entries("status:", None, 10)
    assert (entry.key, entry.value["state"], entry.value["error"]) == ("status:a-to-b:host/1", "backoff", "down")
