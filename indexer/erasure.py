"""What is left of a deleted user, place by place, judged from what was seen there. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.clock import to_text
from domain.settings import Mode
from domain.users.model import User
from indexer.dead_letters import DeadLetter

HOUSEKEEPING = timedelta(hours=1)
"""How often what is past its time is removed, by whoever holds a pipeline's lease."""


class Verdict(StrEnum):
    GONE = "gone"
    GONE_BY = "gone by"
    STILL_THERE = "still there"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is left at `place`; `by`: when it will be gone (GONE_BY only)."""

    place: str
    verdict: Verdict
    by: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """All places at which user `id` was looked for at the time `at`, and those where nobody can look."""

    id: str
    at: datetime
    findings: Sequence[Finding]
    unseen: Sequence[str]

    @property
    def complete(self) -> bool:
        """Whether everything is gone, or has a time by which it will be."""
        return all(finding.verdict is not Verdict.STILL_THERE for finding in self.findings)

    def to_json(self) -> Mapping[str, Any]:
        return {
            "id": self.id,
            "at": to_text(self.at),
            "complete": self.complete,
            "places": [
                {
                    "place": finding.place,
                    "verdict": finding.verdict.value,
                    "by": None if finding.by is None else to_text(finding.by),
                    "detail": finding.detail,
                }
                for finding in self.findings
            ],
            "cannotSee": list(self.unseen),
        }


def gone(place: str, detail: str = "") -> Finding:
    return Finding(place, Verdict.GONE, detail=detail)


def due(place: str, by: datetime, now: datetime, what: str) -> Finding:
    """`what` will be gone `by` a time; if that is past, whoever had to remove it does not run."""
    if by < now:
        return Finding(place, Verdict.STILL_THERE, detail=f"{what}, overdue since {to_text(by)}: does an indexer run?")
    return Finding(place, Verdict.GONE_BY, by, what)


def of_store(user: User | None, retention: timedelta, now: datetime) -> Finding:
    """A tombstone is kept for `retention`; `user` is no live one."""
    place = "store"
    if user is None:
        return gone(place)
    return due(place, user.status_changed_at + retention + HOUSEKEEPING, now, "a tombstone: id, version and times")


def of_journal(kept_until: datetime | None, now: datetime) -> Finding:
    """The journal of SQLite has the user's changes until then."""
    place = "store's journal"
    return gone(place) if kept_until is None else due(place, kept_until + HOUSEKEEPING, now, "ids and versions")


def of_write_ahead_log(size: int, now: datetime, *, indexer_runs: bool) -> Finding:
    """SQLite's log keeps overwritten pages until it is truncated, which the housekeeping does; `size` in bytes."""
    place, what = "store's write-ahead log", "pages as they were"
    if not size:
        return gone(place)
    if not indexer_runs:
        return Finding(place, Verdict.STILL_THERE, detail=f"{what}, until an indexer runs: none does")
    return due(place, now + HOUSEKEEPING, now, f"{what}, while an indexer runs")


def of_index(name: str, *, held: bool) -> Finding:
    place = f"index {name}"
    if held:
        return Finding(place, Verdict.STILL_THERE, detail="the deletion is not delivered: see `indexer status`, verify")
    return gone(place)


@dataclass(frozen=True, slots=True)
class TopicTrace:
    """The records of one key that a topic still has, and the topic's configuration.

    `values`: how many hold a user; `erased_at`: when the last one, which holds nothing, was written (None: it does
    hold a user, or there is no record at all).
    """

    values: int
    erased_at: datetime | None
    config: Mapping[str, str]


def of_topic(name: str, trace: TopicTrace | None, now: datetime) -> Finding:
    """When compaction has removed the values before the last, empty record.

    A record can be compacted once its segment is closed, which is at most `segment.ms` after its first record was
    written, and has to be at most `max.compaction.lag.ms` after that:
    https://kafka.apache.org/documentation/#topicconfigs_max.compaction.lag.ms and KIP-354. A segment is closed when
    the next record comes, so a partition to which nobody writes any more takes longer.
    """
    place = f"topic {name}"
    if trace is None or not trace.values:
        return gone(
            place, "" if trace is None or trace.erased_at is None else "only the record of the deletion is left"
        )
    if trace.erased_at is None:
        return Finding(place, Verdict.STILL_THERE, detail="the deletion is not delivered: see `indexer status`")
    lag = sum(int(trace.config[key]) for key in ("max.compaction.lag.ms", "segment.ms"))
    by = trace.erased_at + timedelta(milliseconds=lag)
    what = f"{trace.values} older records, until compaction"
    if by < now:
        return Finding(
            place, Verdict.STILL_THERE, detail=f"{what}, overdue since {to_text(by)}: does anybody write to the topic?"
        )
    return Finding(place, Verdict.GONE_BY, by, what)


def of_dead_letters(letter: DeadLetter | None, user: User | None, now: datetime) -> Finding:
    """The housekeeping drops it once `user` is deleted: of one whose tombstone is gone, too, that is long ago."""
    place = "dead letters"
    if letter is None:
        return gone(place)
    erasable_at = letter.at if user is None else max(letter.at, user.status_changed_at)
    return due(place, erasable_at + HOUSEKEEPING, now, "id, version and reason")


def of_requests(pipelines: Sequence[str]) -> Finding:
    """`pipelines` are asked to deliver the user again."""
    place = "requests to pipelines"
    if not pipelines:
        return gone(place)
    return Finding(place, Verdict.STILL_THERE, detail=f"the id, until {', '.join(pipelines)} has done what is asked")


_UNSEEN: Mapping[Mode, Sequence[str]] = {
    Mode.EMBEDDED: (
        "backups and snapshots of DATA_DIR",
        "files of the search index, where a deleted document's bytes stay until its segment is merged",
    ),
    Mode.WITHOUT_KAFKA: (
        "backups of MongoDB, and its oplog until it rolls over",
        "snapshots of Elasticsearch, and its files until the segment of a deleted document is merged",
    ),
}


def unseen(mode: Mode) -> Sequence[str]:
    """Where a user may be and this service cannot look."""
    kafka = (
        "copies that other consumers of the topic have made, and backups of it",
        "Kafka Connect's own dead-letter topic",
    )
    places = [*_UNSEEN[Mode.WITHOUT_KAFKA], *kafka] if mode is Mode.CLUSTER else [*_UNSEEN[mode]]
    return [*places, "logs, which hold ids only", "whatever front ends and peers keep"]
