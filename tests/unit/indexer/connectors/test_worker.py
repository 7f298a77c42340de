"""What a worker is asked, and what becomes of its answers."""

import json
from collections.abc import Sequence

import httpx
import pytest

from domain.errors import SettingsError
from domain.settings import Settings
from indexer.connectors import worker as module
from indexer.connectors.errors import ConnectorRefused, ConnectUnavailable
from indexer.connectors.worker import Connector, ConnectWorker, Task, meant, open_worker

BUSY = httpx.Response(409, json={"error_code": 409, "message": "Cannot complete request because of a rebalance"})


class Script:
    """Answers requests one after the other, and notes them."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []
        self.bodies: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.raw_path.decode()}")
        self.bodies.append(request.content)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, content=answer.content)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "delay", lambda *_: 0.0)


def _worker(script: Script, ticks: Sequence[float] = ()) -> ConnectWorker:
    """A worker whose clock shows `ticks`, the last of them for ever; without them it stands still."""
    left = list(ticks) or [0.0]
    client = httpx.AsyncClient(base_url="http://u:secret@connect:8083", transport=httpx.MockTransport(script))
    return ConnectWorker(client, monotonic=lambda: left.pop(0) if len(left) > 1 else left[0], seconds=60)


def _info(name: str, config: dict[str, str]) -> dict[str, object]:
    return {"name": name, "config": config, "tasks": [], "type": "sink"}


async def test_connectors_are_read() -> None:
    trace = {"id": 1, "state": "FAILED", "worker_id": "w", "trace": "no room"}
    status = {"connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "RUNNING", "worker_id": "w"}, trace]}
    answer = {
        "b": {"info": _info("b", {"connector.class": "x.Sink", "topics": "users, others"}), "status": status},
        "a": {"info": _info("a", {}), "status": {"connector": {"state": "FAILED", "trace": "why"}, "tasks": []}},
        "going": {"info": _info("going", {})},
    }
    script = Script(httpx.Response(200, json=answer))
    assert await _worker(script).connectors() == [
        Connector("a", "", [], "FAILED", "why", []),
        Connector(
            "b", "x.Sink", ["users", "others"], "RUNNING", "", [Task(0, "RUNNING"), Task(1, "FAILED", "no room")]
        ),
    ]
    assert script.asked == ["GET /connectors?expand=info&expand=status"]


async def test_a_validation_tells_known_options_and_errors() -> None:
    values = [{"name": "topics", "errors": []}, {"name": "tasks.max", "errors": ["not a number", "missing"]}]
    script = Script(httpx.Response(200, json={"configs": [{"definition": {}, "value": value} for value in values]}))
    found = await _worker(script).validate("name", {"connector.class": "a/B"})
    assert found.known == {"topics", "tasks.max"}
    assert found.errors == ["tasks.max: not a number", "tasks.max: missing"]
    assert script.asked == ["PUT /connector-plugins/a%2FB/config/validate"]
    assert json.loads(script.bodies[0]) == {"connector.class": "a/B", "name": "name"}


def test_a_name_means_a_connector_or_all_of_a_file() -> None:
    names = ["users-sink", "users-sink-0123456789", "users-sink-abcdef0123", "users-sink-2-0123456789"]
    connectors = [Connector(name, "a.Sink", [], "RUNNING") for name in names]
    assert [found.name for found in meant("users-sink", connectors)] == names[:3]
    assert [found.name for found in meant(names[1], connectors)] == [names[1]]
    with pytest.raises(ConnectorRefused, match="there is no such connector; there are: users-sink, users-sink-01"):
        meant("users", connectors)


async def test_a_rebalance_is_waited_for() -> None:
    script = Script(BUSY, httpx.Response(503, json={"message": "starting"}), httpx.Response(200, json={}))
    await _worker(script).remove("a b")
    assert script.asked == ["DELETE /connectors/a%20b"] * 3


async def test_a_rebalance_without_end_is_told() -> None:
    with pytest.raises(ConnectUnavailable) as caught:
        await _worker(Script(BUSY), ticks=[0, 30, 61]).restart("a")
    assert caught.value.message == (
        "The Kafka Connect worker at connect:8083 is still busy after 60 s (Cannot complete request because of a "
        "rebalance): see whether it runs (its /health says so) and whether CONNECT_URL is right, then do it again."
    )


async def test_a_connector_is_created_stopped() -> None:
    script = Script(httpx.Response(201, json={}))
    await _worker(script).create("a", {"topics": "users"})
    assert script.asked == ["POST /connectors"]
    assert json.loads(script.bodies[0]) == {"name": "a", "config": {"topics": "users"}, "initial_state": "STOPPED"}


async def test_a_connector_begins_as_soon_as_old_tasks_of_its_name_have_stopped() -> None:
    running = httpx.Response(400, json={"error_code": 400, "message": "must be in the STOPPED state"})
    script = Script(running, httpx.Response(200, json={"message": "reset"}), httpx.Response(202))
    await _worker(script).begin("a")
    assert script.asked == [*["DELETE /connectors/a/offsets"] * 2, "PUT /connectors/a/resume"]


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (httpx.ConnectError("refused"), "did not answer (ConnectError)"),
        (httpx.ReadTimeout("late"), "did not answer (ReadTimeout)"),
        (httpx.Response(401), "refuses our credentials"),
        (httpx.Response(200, text="<html>"), "does not answer as Kafka Connect does"),
        (httpx.Response(200, json=["a"]), "does not answer as Kafka Connect does"),
        (httpx.Response(404, json={"error": "no such index"}), "does not answer as Kafka Connect does"),
    ],
)
async def test_what_is_no_worker_is_told_without_the_password(answer: httpx.Response | Exception, what: str) -> None:
    with pytest.raises(ConnectUnavailable) as caught:
        await _worker(Script(answer)).connectors()
    assert caught.value.message.startswith(f"The Kafka Connect worker at connect:8083 {what}:")
    assert "secret" not in caught.value.message


async def test_a_refusal_is_told_in_the_workers_words() -> None:
    said = "org.apache.kafka.connect.runtime.rest.errors.BadRequestException: Failed to find any class"
    with pytest.raises(ConnectorRefused) as caught:
        await _worker(Script(httpx.Response(500, json={"error_code": 500, "message": said}))).create("a", {})
    assert caught.value.reasons == ["Failed to find any class"]


@pytest.mark.parametrize("url", ["", "localhost:8083", "ftp://localhost", "http://", "http://a:b", "redis://localhost"])
async def test_a_url_that_is_none_is_refused(url: str) -> None:
    settings = Settings.model_validate({"connect_url": url})
    with pytest.raises(SettingsError, match="CONNECT_URL must be http"):
        async with open_worker(settings):
            pass
