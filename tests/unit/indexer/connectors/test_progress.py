"""Watching connectors: for as long as it takes to be certain, and no longer."""

from collections.abc import Sequence
from typing import cast

import pytest

from indexer.connectors import progress as module
from indexer.connectors.health import Progress, Verdict
from indexer.connectors.progress import ProgressReader, watch
from indexer.connectors.worker import Connector, ConnectWorker, Task
from tests.unit.indexer.fakes import FakeClock


class FakeReader:
    """Where connectors are, each time that it is asked; the last answer stands."""

    def __init__(self, clock: FakeClock, **progress: Sequence[tuple[int, int]]) -> None:
        self._clock = clock
        self._left = {name: list(steps) for name, steps in progress.items()}
        self.asked: list[str] = []

    async def read(self, connector: Connector) -> Progress:
        self.asked.append(connector.name)
        self._clock.seconds += 1
        steps = self._left[connector.name]
        offset, lag = steps.pop(0) if len(steps) > 1 else steps[0]
        return Progress({("users", 0): offset}, lag)


class FakeWorker:
    def __init__(self, *names: str) -> None:
        self._names = names

    async def connectors(self) -> Sequence[Connector]:
        return [Connector(name, "a.Sink", ["users"], "RUNNING", "", [Task(0, "RUNNING")]) for name in self._names]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.0)


async def _watch(reader: FakeReader, clock: FakeClock, *names: str, name: str | None = None) -> dict[str, Verdict]:
    worker = cast("ConnectWorker", FakeWorker(*names))
    found = await watch(worker, cast("ProgressReader", reader), 10, name=name, monotonic=clock)
    return {health.connector.name: health.verdict for health in found}


@pytest.mark.parametrize(
    ("steps", "verdict", "reads"),
    [
        ([(7, 0)], Verdict.LEVEL, 2),
        ([(7, 3), (7, 3), (7, 3), (9, 1)], Verdict.BEHIND, 4),
        ([(7, 3), (7, 3), (10, 0)], Verdict.LEVEL, 3),
        ([(7, 3)], Verdict.STALLED, 10),
    ],
)
async def test_it_takes_as_long_as_it_has_to(steps: list[tuple[int, int]], verdict: Verdict, reads: int) -> None:
    clock = FakeClock()
    reader = FakeReader(clock, a=steps)
    assert await _watch(reader, clock, "a") == {"a": verdict}
    assert len(reader.asked) == reads


async def test_one_that_is_not_meant_is_not_waited_for() -> None:
    clock = FakeClock()
    reader = FakeReader(clock, a=[(7, 0)], b=[(7, 3)])
    assert await _watch(reader, clock, "a", "b", name="a") == {"a": Verdict.LEVEL}
    assert set(reader.asked) == {"a"}
    assert await _watch(reader, clock, "a", "b") == {"a": Verdict.LEVEL, "b": Verdict.STALLED}
