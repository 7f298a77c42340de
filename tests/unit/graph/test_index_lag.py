"""How far search is behind."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.clock import to_text
from domain.errors import StoreUnavailable
from domain.users.ledger import Entry
from graph.index_lag import IndexLag, lag_seconds
from tests.contract.users.memory import MemoryDatabase, MemoryLedger

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def said(lag: Any, *, by: str = "x", pipeline: str = "x-to-y", seconds_ago: float = 0) -> Entry:
    at = to_text(T0 - timedelta(seconds=seconds_ago))
    return Entry(f"status:{pipeline}:{by}", {"pipeline": pipeline, "lagSeconds": lag, "at": at}, 1)


@pytest.mark.parametrize(
    ("entries", "lag"),
    [
        ([], None),
        ([said(0)], 0),
        ([said(1.5), said(2, pipeline="y-to-z")], 3.5),
        ([said(1.5), said(2, by="y")], 2),
        ([said(1.5), said(9, by="y", seconds_ago=60)], 1.5),
        ([said(1, seconds_ago=20), said(9, by="y", seconds_ago=60)], 21),
        ([said(1, seconds_ago=10)], 1),
        ([said(1, seconds_ago=11)], 12),
        ([said(None)], None),
        ([said(None), said(2)], 2),
        ([Entry("status:x", {"state": "standby"}, 1)], None),
    ],
)
def test_lag(entries: list[Entry], lag: float | None) -> None:
    assert lag_seconds(entries, T0) == lag


async def test_the_ledger_is_asked_once_a_second_and_may_be_down(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = MemoryLedger(MemoryDatabase())
    time = 100.0
    lag = IndexLag(ledger, clock=lambda: T0, monotonic=lambda: time)
    assert await lag.seconds() is None
    await ledger.write("status:a", {"lagSeconds": 2, "at": to_text(T0)}, expected=0)
    time = 100.9
    assert await lag.seconds() is None
    time = 101.0
    assert await lag.seconds() == 2

    async def fail(*_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(ledger, "entries", fail)
    time = 101.5
    assert await lag.seconds() == 2
    time = 102.5
    assert await lag.seconds() is None
