"""Applying a file: what is checked before, what is replaced after, and what a failure leaves."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from domain.errors import SettingsError
from domain.search.index import IndexInfo
from domain.settings import Settings
from indexer.connectors import apply as module
from indexer.connectors.apply import Applied, apply
from indexer.connectors.errors import ConnectorRefused, ConnectUnavailable
from indexer.connectors.file import ConnectorFile
from indexer.connectors.worker import Connector, ConnectWorker, Task, Validation
from tests.unit.indexer.fakes import NOON, FakeClock

CONFIG = {"connector.class": "a.Sink", "topics": "users", "consumer.override.isolation.level": "read_committed"}
FILE = ConnectorFile("users-sink", CONFIG)
CHANGED = ConnectorFile("users-sink", {**CONFIG, "tasks.max": "2"})
SERVING = IndexInfo("users-20260131120000000", NOON, serving=True, fits=True)
SETTINGS = Settings.model_validate(
    {"mongodb_url": "mongodb://m/", "elasticsearch_url": "http://e:9200", "kafka_bootstrap_servers": "k:9092"}
)


@dataclass
class FakeWorker:
    """Runs what it is given in `state`."""

    state: str = "RUNNING"
    trace: str = ""
    errors: Sequence[str] = ()
    running: dict[str, str] = field(default_factory=dict)
    hanging: ConnectUnavailable | None = None
    calls: list[str] = field(default_factory=list)

    async def connectors(self) -> Sequence[Connector]:
        return [
            Connector(name, "a.Sink", ["users"], "STOPPED", "")
            if state == "STOPPED"
            else Connector(name, "a.Sink", ["users"], "RUNNING", "", [Task(0, state, self.trace)])
            for name, state in self.running.items()
        ]

    async def plugins(self) -> Sequence[str]:
        return ["a.Sink"]

    async def validate(self, name: str, config: dict[str, str]) -> Validation:
        return Validation(frozenset([*CONFIG, "tasks.max"]), self.errors)

    async def create(self, name: str, config: dict[str, str]) -> None:
        self.calls.append(f"create {name}")
        self.running[name] = "STOPPED"

    async def begin(self, name: str) -> None:
        if self.hanging:
            raise self.hanging
        self.calls.append(f"begin {name}")
        self.running[name] = self.state

    async def remove(self, name: str) -> None:
        self.calls.append(f"remove {name}")
        del self.running[name]


@dataclass
class FakeParts:
    found: Sequence[IndexInfo]

    topics: SettingsError | None = None
    """What is wrong with Kafka's topics."""

    async def indexes(self) -> Sequence[IndexInfo]:
        return self.found

    async def ensure_topics(self, _: Settings) -> None:
        if self.topics:
            raise self.topics


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> FakeParts:
    made = FakeParts([IndexInfo("users-20250101000000000", NOON, serving=False, fits=False), SERVING])

    @asynccontextmanager
    async def opened(_: Settings) -> Any:
        yield made

    monkeypatch.setattr(module, "open_index_catalog", opened)
    monkeypatch.setattr(module, "ensure_topics", made.ensure_topics)
    return made


async def _apply(file: ConnectorFile, worker: FakeWorker, settings: Settings = SETTINGS, **options: Any) -> Applied:
    return await apply(file, settings, cast("ConnectWorker", worker), **{"settle": 0.0, **options})


async def _refusal(file: ConnectorFile, worker: FakeWorker, **options: Any) -> str:
    with pytest.raises(ConnectorRefused) as caught:
        await _apply(file, worker, **options)
    return caught.value.message


@pytest.mark.usefixtures("catalog")
async def test_applying_twice_is_applying_once() -> None:
    worker = FakeWorker()
    assert await _apply(FILE, worker) == Applied(FILE.name, created=True, removed=[])
    assert await _apply(FILE, worker) == Applied(FILE.name, created=False, removed=[])
    assert worker.calls == [f"create {FILE.name}", f"begin {FILE.name}"]


async def test_topics_that_are_not_as_they_have_to_be_are_refused_before_a_connector_reads_them(
    catalog: FakeParts,
) -> None:
    catalog.topics = SettingsError("KAFKA_TOPIC: the topic users exists and is not what is needed.")
    worker = FakeWorker(running={FILE.name: "RUNNING"})
    with pytest.raises(SettingsError, match="KAFKA_TOPIC"):
        await _apply(CHANGED, worker)
    assert worker.calls == []


@pytest.mark.usefixtures("catalog")
async def test_a_changed_configuration_replaces_the_old_one_only_after_it_runs() -> None:
    others = {"users-sink": "RUNNING", "other-0123456789": "RUNNING", "users-sink-2-0123456789": "RUNNING"}
    worker = FakeWorker(running={FILE.name: "RUNNING", **others})
    assert await _apply(CHANGED, worker) == Applied(CHANGED.name, created=True, removed=[FILE.name])
    assert worker.calls == [f"create {CHANGED.name}", f"begin {CHANGED.name}", f"remove {FILE.name}"]
    assert worker.running == {CHANGED.name: "RUNNING", **others}


@pytest.mark.usefixtures("catalog")
async def test_one_that_fails_is_taken_away_and_the_old_one_goes_on() -> None:
    worker = FakeWorker("FAILED", "no room\n\tat a.B", running={FILE.name: "RUNNING"})
    message = await _refusal(CHANGED, worker)
    assert message == f"{CHANGED.name} is refused:\n  it failed as soon as it ran: no room"
    assert worker.running == {FILE.name: "RUNNING"}


@pytest.mark.usefixtures("catalog")
async def test_one_that_fails_at_its_first_record_does_not_replace_the_old_one() -> None:
    """It has said RUNNING once before."""
    worker = FakeWorker(trace="no room", running={FILE.name: "RUNNING"})

    def later() -> float:
        clock.seconds += 0.4
        if clock.seconds > 1001 and CHANGED.name in worker.running:
            worker.running[CHANGED.name] = "FAILED"
        return clock()

    clock = FakeClock()
    assert "no room" in await _refusal(CHANGED, worker, settle=1.0, monotonic=later)
    assert worker.running == {FILE.name: "RUNNING"}


@pytest.mark.usefixtures("catalog")
async def test_one_that_does_not_start_in_time_is_taken_away() -> None:
    clock = FakeClock()
    worker = FakeWorker("UNASSIGNED", running={FILE.name: "RUNNING"})

    def late() -> float:
        clock.seconds += 40
        return clock()

    message = await _refusal(CHANGED, worker, monotonic=late)
    assert "it does not run yet (its state is RUNNING): see the worker's log." in message
    assert worker.running == {FILE.name: "RUNNING"}


@pytest.mark.usefixtures("catalog")
async def test_one_that_cannot_begin_is_taken_away() -> None:
    """A task of an earlier connector of its name hangs, and keeps the group's offsets."""
    worker = FakeWorker(running={FILE.name: "RUNNING"}, hanging=ConnectUnavailable("connect:8083", "is still busy"))
    with pytest.raises(ConnectUnavailable):
        await _apply(CHANGED, worker)
    assert worker.running == {FILE.name: "RUNNING"}


@pytest.mark.usefixtures("catalog")
async def test_one_that_was_stopped_runs_again() -> None:
    worker = FakeWorker(running={FILE.name: "STOPPED"})
    assert await _apply(FILE, worker) == Applied(FILE.name, created=False, removed=[])
    assert worker.running == {FILE.name: "RUNNING"}


@pytest.mark.usefixtures("catalog")
async def test_one_that_ran_before_and_has_failed_stays() -> None:
    worker = FakeWorker(running={FILE.name: "FAILED"}, trace="no room")
    assert "no room" in await _refusal(FILE, worker)
    assert worker.calls == []


async def test_without_a_serving_index_nothing_is_made(catalog: FakeParts) -> None:
    catalog.found = catalog.found[:1]
    worker = FakeWorker()
    assert "there is no search index behind the alias users" in await _refusal(FILE, worker)
    assert worker.calls == []


async def test_an_index_of_another_shape_is_refused(catalog: FakeParts) -> None:
    catalog.found = [IndexInfo("users-20250101000000000", NOON, serving=True, fits=False)]
    worker = FakeWorker()
    assert "has the shape of another release" in await _refusal(FILE, worker)
    assert worker.calls == []


@pytest.mark.usefixtures("catalog")
async def test_what_the_worker_says_and_what_it_ignores_is_told_together() -> None:
    worker = FakeWorker(errors=["topics: empty"])
    mistyped = ConnectorFile("users-sink", {**CONFIG, "task.max": "2"})
    assert await _refusal(mistyped, worker) == (
        "users-sink is refused:\n  topics: empty\n  task.max: a.Sink has no such option: did you mean tasks.max?"
    )
    worker.errors = []
    assert (await _apply(mistyped, worker, any_option=True)).created


@pytest.mark.usefixtures("catalog")
async def test_a_plugin_that_is_not_installed_is_told() -> None:
    message = await _refusal(ConnectorFile("users-sink", {**CONFIG, "connector.class": "b.Sink"}), FakeWorker())
    assert "the worker has no plugin b.Sink; install it there. It has: a.Sink." in message


async def test_a_connector_needs_the_cluster() -> None:
    with pytest.raises(SettingsError, match="set KAFKA_BOOTSTRAP_SERVERS too"):
        await _apply(FILE, FakeWorker(), Settings())
