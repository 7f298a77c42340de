"""Several processes run one pipeline, and each tells its own status."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import pytest

from domain.clock import now, to_text
from domain.users.ledger import Entry
from indexer import told
from indexer.requests import is_answered
from indexer.status import State, Status
from tests.contract.users.memory import MemoryDatabase, MemoryLedger
from tests.unit.indexer.fakes import NOON


def _entry(holder: str, state: State = State.RUNNING, *, name: str = "a-to-b", ago: float = 0, **values: Any) -> Entry:
    at = to_text(NOON - timedelta(seconds=ago))
    return Entry(f"status:{name}:{holder}", {**Status(name, state=state).to_json(), "at": at, **values}, 1)


def test_the_processes_of_a_pipeline_are_one_status() -> None:
    entries = [
        _entry("1", lagSeconds=2.5, lagRecords=3, written=10),
        _entry("2", State.BACKOFF, lagSeconds=9.0, lagRecords=4, written=5, error="down"),
        _entry("3", ago=60, lagSeconds=99.0, lagRecords=9),
        _entry("4", State.STOPPED),
        _entry("1", State.STOPPED, name="c-to-d", ago=60),
        _entry("2", name="c-to-d", ago=90),
    ]
    one, other = told.together(entries, NOON)
    assert (one["state"], one["error"], one["lagSeconds"]) == ("backoff", "down", 9.0)
    assert (one["lagRecords"], one["written"]) == (7, 15)
    assert (other["pipeline"], other["state"]) == ("c-to-d", "stopped")


def test_what_nobody_reads_any_more_is_outdated() -> None:
    entries = [
        _entry("1"),
        _entry("2", ago=60),
        _entry("3", ago=61),
        _entry("1", name="c-to-d", ago=9_000),
        _entry("1", name="of-another-mode"),
    ]
    assert told.outdated(entries, ["a-to-b", "c-to-d"], NOON) == ["status:a-to-b:3", "status:of-another-mode:1"]


async def test_a_pipeline_of_another_mode_is_forgotten() -> None:
    ledger = MemoryLedger(MemoryDatabase())
    for entry in (_entry("1", at=to_text(now())), _entry("1", name="of-another-mode")):
        await ledger.write(entry.key, entry.value, expected=0)

    async def end(_: float) -> None:
        raise asyncio.CancelledError

    with contextlib.suppress(asyncio.CancelledError):
        await told.clear_outdated(ledger, ["a-to-b"], sleep=end)
    assert [entry.key for entry in await ledger.entries("status:", None, 9)] == ["status:a-to-b:1"]


@pytest.mark.parametrize(
    ("entries", "answered"),
    [
        ([], False),
        ([_entry("1", ago=20)], False),
        ([_entry("1", State.STOPPED)], False),
        ([_entry("1", ago=20), _entry("2")], True),
    ],
)
async def test_a_request_is_answered_if_any_process_runs(entries: list[Entry], answered: bool) -> None:
    ledger = MemoryLedger(MemoryDatabase())
    for entry in entries:
        await ledger.write(entry.key, entry.value, expected=0)
    assert await is_answered(ledger, "a-to-b", lambda: NOON) == answered
