import asyncio
from collections.abc import Iterator

import pytest

from domain.errors import SettingsError, StoreUnavailable
from indexer.errors import LeaseLost
from indexer.status import State, Status
from indexer.supervisor import supervise


@pytest.fixture(autouse=True)
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.retry.delay", lambda attempt: attempt / 10_000)


async def test_whatever_ends_a_session_another_one_begins() -> None:
    stop, status = asyncio.Event(), Status("p")
    cancelled = asyncio.CancelledError("a library's own task")
    ends: Iterator[BaseException] = iter([StoreUnavailable(), LeaseLost("p"), cancelled, ZeroDivisionError("a defect")])
    states: list[State] = []

    async def session() -> None:
        states.append(status.state)
        for error in ends:
            raise error
        stop.set()

    await asyncio.wait_for(supervise(session, status, stop), 5)
    assert states == [State.STARTING, *[State.BACKOFF] * 4]
    assert (status.restarts, status.error, status.state) == (4, "ZeroDivisionError", State.STOPPED)


async def test_a_cancelled_pipeline_ends() -> None:
    running = asyncio.create_task(supervise(_for_ever, Status("p"), asyncio.Event()))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 5)


async def test_what_only_an_operator_can_help_with_ends_the_pipeline() -> None:
    status = Status("p")

    async def session() -> None:
        raise SettingsError("KAFKA_TOPIC: no")

    with pytest.raises(SettingsError):
        await asyncio.wait_for(supervise(session, status, asyncio.Event()), 5)
    assert status.state is State.STOPPED


async def test_attempts_count_from_one_again_once_something_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[int] = []

    def delay(attempt: int) -> float:
        attempts.append(attempt)
        return 0.0

    monkeypatch.setattr("indexer.retry.delay", delay)
    stop, status = asyncio.Event(), Status("p")

    async def session() -> None:
        if len(attempts) == 3:
            status.written += 1
        if len(attempts) == 5:
            stop.set()
            return
        raise StoreUnavailable

    await asyncio.wait_for(supervise(session, status, stop), 5)
    assert attempts == [1, 2, 3, 1, 2]


async def test_a_stop_ends_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.retry.delay", lambda _: 1000.0)
    stop = asyncio.Event()

    async def session() -> None:
        asyncio.get_running_loop().call_later(0.02, stop.set)
        raise StoreUnavailable

    await asyncio.wait_for(supervise(session, Status("p"), stop), 5)


async def _for_ever() -> None:
    await asyncio.Event().wait()
