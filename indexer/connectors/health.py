"""How a connector really is: RUNNING says only that nobody has stopped it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from indexer.connectors.worker import Connector


class Verdict(StrEnum):
    LEVEL = "level"
    BEHIND = "behind"
    STARTING = "starting"
    PAUSED = "paused"
    STALLED = "stalled"
    FAILED = "failed"


BAD = frozenset({Verdict.STALLED, Verdict.FAILED})


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a connector's group is in each partition, and how many offsets lie before it, at most.

    Offsets that hold no record (the ends of transactions, what compaction has removed) are counted only in between.
    """

    committed: Mapping[tuple[str, int], int]
    lag: int


@dataclass(frozen=True, slots=True)
class Health:
    connector: Connector
    verdict: Verdict
    lag: int | None

    @property
    def reason(self) -> str:
        return reason(self.connector)

    def to_json(self) -> dict[str, Any]:
        tasks = [
            {"task": task.number, "state": task.state, "error": first_line(task.trace)} for task in self.connector.tasks
        ]
        return {
            "connector": self.connector.name,
            "plugin": self.connector.plugin,
            "topics": list(self.connector.topics),
            "state": self.connector.state,
            "tasks": tasks,
            "lag": self.lag,
            "verdict": self.verdict.value,
            "error": self.reason,
        }


def judge(connector: Connector, first: Progress | None, last: Progress | None) -> Health:
    """`connector` with its progress at the begin and at the end of a watch; None: it reads no topic that is there."""
    return Health(connector, _verdict(connector, first, last), last.lag if last else None)


def suspect(connector: Connector, first: Progress | None, last: Progress | None) -> bool:
    """Whether only more time can tell if the connector gets on."""
    return _verdict(connector, first, last) is Verdict.STALLED


def runs(connector: Connector) -> bool:
    """Whether it says so itself, with all of its tasks."""
    return bool(connector.tasks) and {connector.state, *(task.state for task in connector.tasks)} == {"RUNNING"}


def reason(connector: Connector) -> str:
    """Why it failed, by its first trace; empty if it did not."""
    traces = [(connector.state, connector.trace), *((task.state, task.trace) for task in connector.tasks)]
    failed = [trace for state, trace in traces if state == "FAILED"]
    return (root_cause(failed[0]) or "no reason is given") if failed else ""


def root_cause(trace: str) -> str:
    """The first line of a Java trace, and the last cause below it."""
    causes = [line.strip() for line in trace.splitlines() if line.startswith("Caused by: ")]
    return " ".join([first_line(trace), *(f"({cause})" for cause in causes[-1:])]).strip()


def first_line(trace: str) -> str:
    return next(iter(trace.splitlines()), "").strip()


def _verdict(connector: Connector, first: Progress | None, last: Progress | None) -> Verdict:
    states = [connector.state, *(task.state for task in connector.tasks)]
    if "FAILED" in states:
        return Verdict.FAILED
    if {"PAUSED", "STOPPED"} & set(states):
        return Verdict.PAUSED
    if _stands_still(first, last):
        return Verdict.STALLED
    if not runs(connector):
        return Verdict.STARTING
    return Verdict.BEHIND if last and last.lag else Verdict.LEVEL


def _stands_still(first: Progress | None, last: Progress | None) -> bool:
    return bool(first and last and first.lag and last.lag and first.committed == last.committed)


def worst(found: Sequence[Health]) -> bool:
    """Whether any of them needs attention."""
    return any(health.verdict in BAD for health in found)
