from datetime import timedelta

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest

from domain.errors import StoreUnavailable
from indexer.health import health_app
from indexer.reporting import Reporter, StatusLog
from indexer.status import State, Status, StatusCollector
from tests.contract.users.memory import MemoryDatabase, MemoryLedger, MemoryUserStore
from tests.unit.indexer.fakes import NOON, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def status(clock: FakeClock) -> Status:
    return Status("a-to-b", clock=lambda: NOON, monotonic=clock)


def test_lag_grows_with_the_oldest_undelivered_change(status: Status) -> None:
    assert status.lag_seconds == 0
    status.pending_since = NOON - timedelta(seconds=3)
    assert status.lag_seconds == 3
    status.pending_since = NOON + timedelta(seconds=3)  # the store's clock is ahead of ours
    assert status.lag_seconds == 0


@pytest.mark.parametrize("state", [State.STARTING, State.BACKOFF])
def test_who_cannot_read_lags_since_it_last_ran(status: Status, clock: FakeClock, state: State) -> None:
    status.ran()
    status.state = state
    clock.seconds += 30
    status.turn()
    assert status.lag_seconds == 30
    status.pending_since = NOON - timedelta(seconds=40)
    assert status.lag_seconds == 40
    status.pending_since, status.state = None, State.RUNNING
    assert status.lag_seconds == 0


def test_stuck_is_a_loop_that_has_not_turned_for_a_minute(status: Status, clock: FakeClock) -> None:
    clock.seconds += 60
    assert not status.stuck
    clock.seconds += 1
    assert status.stuck
    status.turn()
    assert not status.stuck
    clock.seconds += 61
    status.state = State.STOPPED
    assert not status.stuck


def test_metrics(status: Status, clock: FakeClock) -> None:
    status.read, status.read_bytes, status.lag_records, status.state = 5, 900, 3, State.RUNNING
    status.committed()
    clock.seconds += 2
    registry = CollectorRegistry()
    registry.register(StatusCollector([status]))
    text = generate_latest(registry).decode()
    assert 'indexer_read_total{pipeline="a-to-b"} 5.0' in text
    assert 'indexer_read_bytes_total{pipeline="a-to-b"} 900.0' in text
    assert 'indexer_lag_records{pipeline="a-to-b"} 3.0' in text
    assert 'indexer_checkpoint_age_seconds{pipeline="a-to-b"} 2.0' in text
    assert 'indexer_state{pipeline="a-to-b",state="running"} 1.0' in text
    assert 'indexer_state{pipeline="a-to-b",state="backoff"} 0.0' in text


def test_the_log_has_a_line_for_a_new_state_and_each_minute_of_work(status: Status, clock: FakeClock) -> None:
    line = StatusLog(status)

    def logged() -> int:
        with structlog.testing.capture_logs() as lines:
            line.look()
        return len(lines)

    assert (logged(), logged()) == (1, 0)
    status.read = 5
    assert logged() == 0
    clock.seconds += 60
    assert (logged(), logged()) == (1, 0)
    clock.seconds += 60
    assert logged() == 0  # nothing was done
    status.state, status.error = State.BACKOFF, "down"
    with structlog.testing.capture_logs() as lines:
        line.look()
    assert (lines[0]["pipeline"], lines[0]["state"], lines[0]["lag_seconds"], lines[0]["error"]) == (
        "a-to-b",
        "backoff",
        120.0,
        "down",
    )


async def test_the_ledger_is_told_what_changed_and_now_and_then_that_nothing_did(
    status: Status, clock: FakeClock
) -> None:
    ledger = MemoryLedger(MemoryDatabase())
    reporter = Reporter(ledger, status, "me")
    status.state, status.pending_since = State.RUNNING, NOON - timedelta(milliseconds=1500)

    async def revision_after_report() -> int:
        await reporter.report()
        entry = await ledger.read("status:a-to-b:me")
        return entry.revision if entry else 0

    assert await revision_after_report() == 1
    entry = await ledger.read("status:a-to-b:me")
    assert entry is not None
    assert (entry.value["lagSeconds"], entry.value["at"]) == (1.5, "2026-01-31T12:00:00.000Z")
    clock.seconds += 1
    assert await revision_after_report() == 1
    status.written += 1
    assert await revision_after_report() == 2
    clock.seconds += 5
    assert await revision_after_report() == 3
    await Reporter(ledger, status, "other").report()  # another process of the same pipeline
    status.written += 1
    assert await revision_after_report() == 4
    status.state = State.STOPPED
    assert await revision_after_report() == 5


@pytest.mark.parametrize("state", [State.STANDBY, State.STOPPED])
async def test_who_does_not_run_says_nothing(status: Status, state: State) -> None:
    ledger = MemoryLedger(MemoryDatabase())
    status.state = state
    await Reporter(ledger, status, "me").report()
    assert await ledger.read("status:a-to-b:me") is None


async def test_a_store_that_is_down_does_not_end_the_reporting(status: Status) -> None:
    class Down(MemoryLedger):
        async def read(self, key: str) -> None:
            raise StoreUnavailable

    await Reporter(Down(MemoryDatabase()), status, "me").report()


async def test_the_routes(status: Status, clock: FakeClock) -> None:
    class Store(MemoryUserStore):
        down = False

        async def ping(self) -> None:
            if self.down:
                raise StoreUnavailable

    store = Store(MemoryDatabase())
    transport = httpx.ASGITransport(health_app(store, [status]))
    async with httpx.AsyncClient(transport=transport, base_url="http://indexer") as client:
        assert (await client.get("/livez")).json() == {"status": "ok", "stuck": []}
        assert (await client.get("/readyz")).json()["pipelines"][0]["pipeline"] == "a-to-b"
        status.state, store.down = State.BACKOFF, True
        answer = await client.get("/livez")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert (await client.get("/readyz")).status_code == 503
        clock.seconds += 61
        answer = await client.get("/livez")
        assert (answer.status_code, answer.json()["stuck"]) == (503, ["a-to-b"])
        assert b"indexer_state" in (await client.get("/metrics")).content
