"""What each pipeline is doing: for /metrics, for the ledger (where the API reads the index's lag), for a person."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.clock import Clock, now, to_text

STUCK_SECONDS = 60.0


class State(StrEnum):
    STARTING = "starting"
    STANDBY = "standby"
    RESYNC = "resync"
    RUNNING = "running"
    BACKOFF = "backoff"
    STOPPED = "stopped"


@dataclass
class Status:
    """One pipeline's state, and its counts since the process began.

    `pending_since`: when the oldest undelivered change was committed to the store. `as_of`: the moment (monotonic)
    before which every change acknowledged by the store is delivered; None where that is not known. `lag_records`:
    about how many changes are not delivered; None likewise. Bytes are about what changes are on any wire.
    """

    name: str
    clock: Clock = now
    monotonic: Callable[[], float] = time.monotonic
    state: State = State.STARTING
    read: int = 0
    read_bytes: int = 0
    written: int = 0
    delivered_bytes: int = 0
    stale: int = 0
    retries: int = 0
    restarts: int = 0
    dead_letters: int = 0
    checkpoints: int = 0
    pending_since: datetime | None = None
    lag_records: int | None = None
    error: str = ""
    as_of: float | None = None
    turned_at: float = field(default=0.0)
    ran_at: float = field(default=0.0)
    checkpoint_at: float | None = None

    def __post_init__(self) -> None:
        self.ran()

    def ran(self) -> None:
        """The pipeline works, here or in the process that has its lease."""
        self.turned_at = self.ran_at = self.monotonic()

    def turn(self) -> None:
        """The loop has turned: waiting, standing by and an empty source are turns, too."""
        self.turned_at = self.monotonic()

    def committed(self) -> None:
        """A checkpoint is durable."""
        self.checkpoints += 1
        self.checkpoint_at = self.monotonic()

    @property
    def stuck(self) -> bool:
        """Whether the loop has not turned for so long that only a new process can help."""
        return self.state is not State.STOPPED and self.monotonic() - self.turned_at > STUCK_SECONDS

    @property
    def lag_seconds(self) -> float:
        """How old the oldest undelivered change is; 0 when caught up.

        Who cannot read knows of no change: then it may be as old as the time since the pipeline last ran.
        """
        unread = self.monotonic() - self.ran_at if self.state in (State.STARTING, State.BACKOFF) else 0.0
        if self.pending_since is None:
            return unread
        return max(unread, (self.clock() - self.pending_since).total_seconds(), 0.0)

    @property
    def checkpoint_age_seconds(self) -> float | None:
        return None if self.checkpoint_at is None else self.monotonic() - self.checkpoint_at

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it, without the time; `lagSeconds` is what the API shows."""
        age = self.checkpoint_age_seconds
        return {
            "pipeline": self.name,
            "state": self.state.value,
            "lagSeconds": round(self.lag_seconds, 3),
            "lagRecords": self.lag_records,
            "read": self.read,
            "readBytes": self.read_bytes,
            "written": self.written,
            "deliveredBytes": self.delivered_bytes,
            "stale": self.stale,
            "retries": self.retries,
            "restarts": self.restarts,
            "deadLetters": self.dead_letters,
            "checkpointAgeSeconds": None if age is None else round(age, 1),
            "error": self.error,
        }

    def dated(self) -> Mapping[str, Any]:
        """`to_json` and when that was."""
        return {**self.to_json(), "at": to_text(self.clock())}


_COUNTERS = (
    ("read", "Changes read from the source."),
    ("read_bytes", "Bytes of the changes read."),
    ("written", "Changes that the sink took."),
    ("delivered_bytes", "Bytes of the changes delivered: taken, stale, or overtaken in their batch."),
    ("stale", "Changes for which the sink already had a newer version."),
    ("retries", "Attempts to write a batch that were repeated."),
    ("restarts", "Times the pipeline began anew."),
    ("dead_letters", "Changes that can never be delivered."),
    ("checkpoints", "Positions committed."),
)


class StatusCollector(Collector):
    """Prometheus' view of `statuses`, computed when it is asked for."""

    def __init__(self, statuses: Sequence[Status]) -> None:
        self._statuses = statuses

    def collect(self) -> Iterable[Metric]:
        for name, help in _COUNTERS:
            counter = CounterMetricFamily(f"indexer_{name}", help, labels=["pipeline"])
            for status in self._statuses:
                counter.add_metric([status.name], getattr(status, name))
            yield counter
        lag = GaugeMetricFamily("indexer_lag_seconds", "Age of the oldest undelivered change.", labels=["pipeline"])
        behind = GaugeMetricFamily(
            "indexer_lag_records", "About how many changes are not delivered.", labels=["pipeline"]
        )
        age = GaugeMetricFamily("indexer_checkpoint_age_seconds", "Since the last checkpoint.", labels=["pipeline"])
        states = GaugeMetricFamily("indexer_state", "1 for the state a pipeline is in.", labels=["pipeline", "state"])
        for status in self._statuses:
            lag.add_metric([status.name], status.lag_seconds)
            if status.lag_records is not None:
                behind.add_metric([status.name], status.lag_records)
            if status.checkpoint_age_seconds is not None:
                age.add_metric([status.name], status.checkpoint_age_seconds)
            for state in State:
                states.add_metric([status.name, state.value], float(status.state is state))
        yield from (lag, behind, age, states)
