"""How a connector really is."""

import pytest

from indexer.connectors.health import Progress, Verdict, judge, reason, suspect, worst
from indexer.connectors.worker import Connector, Task

TRACE = """org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.
\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:635)
Caused by: org.apache.kafka.connect.errors.DataException: something
\t... 11 more
Caused by: java.net.ConnectException: Connection refused
\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)
"""


def _connector(state: str = "RUNNING", *tasks: str, trace: str = "") -> Connector:
    made = [Task(number, task, trace if task == "FAILED" else "") for number, task in enumerate(tasks or ["RUNNING"])]
    return Connector("users-sink", "a.Sink", ["users"], state, trace if state == "FAILED" else "", made)


def _at(offset: int, lag: int) -> Progress:
    return Progress({("users", 0): offset, ("users", 1): 5}, lag)


@pytest.mark.parametrize(
    ("connector", "first", "last", "verdict"),
    [
        (_connector(), _at(7, 0), _at(7, 0), Verdict.LEVEL),
        (_connector(), _at(7, 3), _at(8, 3), Verdict.BEHIND),
        (_connector(), _at(7, 0), _at(7, 3), Verdict.BEHIND),
        (_connector(), _at(7, 3), _at(7, 3), Verdict.STALLED),
        (_connector(), _at(7, 3), _at(7, 9), Verdict.STALLED),
        (_connector("UNASSIGNED"), _at(7, 3), _at(7, 3), Verdict.STALLED),
        (_connector("UNASSIGNED"), _at(7, 0), _at(7, 0), Verdict.STARTING),
        (_connector("RUNNING", "RUNNING", "UNASSIGNED"), None, _at(7, 3), Verdict.STARTING),
        (Connector("a", "a.Sink", ["users"], "RUNNING"), _at(7, 0), _at(7, 0), Verdict.STARTING),
        (_connector("PAUSED", "PAUSED"), _at(7, 3), _at(7, 3), Verdict.PAUSED),
        (_connector("STOPPED"), _at(7, 3), _at(7, 3), Verdict.PAUSED),
        (_connector("RUNNING", "RUNNING", "FAILED"), _at(7, 0), _at(7, 0), Verdict.FAILED),
        (_connector("FAILED"), _at(7, 3), _at(7, 3), Verdict.FAILED),
        (_connector(), None, None, Verdict.LEVEL),
    ],
)
def test_the_verdict(connector: Connector, first: Progress | None, last: Progress | None, verdict: Verdict) -> None:
    health = judge(connector, first, last)
    assert health.verdict is verdict
    assert health.lag == (last.lag if last else None)
    assert suspect(connector, first, last) is (verdict is Verdict.STALLED)
    assert worst([health]) is (verdict in (Verdict.STALLED, Verdict.FAILED))


def test_the_reason_is_the_first_line_and_the_last_cause() -> None:
    assert reason(_connector("RUNNING", "RUNNING", "FAILED", trace=TRACE)) == (
        "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception. "
        "(Caused by: java.net.ConnectException: Connection refused)"
    )


def test_no_reason_is_told_either() -> None:
    assert reason(_connector("FAILED")) == "no reason is given"
    assert reason(_connector()) == ""


def test_all_of_it_as_json() -> None:
    health = judge(_connector("RUNNING", "FAILED", trace="no room\n\tat a.B"), _at(7, 3), _at(7, 4))
    assert health.to_json() == {
        "connector": "users-sink",
        "plugin": "a.Sink",
        "topics": ["users"],
        "state": "RUNNING",
        "tasks": [{"task": 0, "state": "FAILED", "error": "no room"}],
        "lag": 4,
        "verdict": "failed",
        "error": "no room",
    }
