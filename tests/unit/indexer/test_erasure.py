"""What is told of a deleted user, from what was seen."""

from datetime import timedelta

import pytest

from domain.settings import Mode
from domain.users.model import Status
from indexer import erasure
from indexer.dead_letters import DeadLetter
from indexer.erasure import Finding, Receipt, TopicTrace, Verdict
from tests.contract.users.users import a_user
from tests.unit.indexer.fakes import NOON, user_id

HOUR = timedelta(hours=1)
CONFIG = {"max.compaction.lag.ms": "86400000", "segment.ms": "3600000"}


def test_a_tombstone_has_a_time_and_then_it_is_overdue() -> None:
    tombstone = a_user(status=Status.DELETED, status_changed_at=NOON)
    retention, goes = timedelta(days=30), NOON + timedelta(days=30, hours=1)
    assert erasure.of_store(None, retention, NOON).verdict is Verdict.GONE
    finding = erasure.of_store(tombstone, retention, goes)
    assert (finding.verdict, finding.by) == (Verdict.GONE_BY, goes)
    late = erasure.of_store(tombstone, retention, goes + timedelta(milliseconds=1))
    assert late.verdict is Verdict.STILL_THERE
    assert "overdue since 2026-03-02T13:00:00.000Z: does an indexer run?" in late.detail


@pytest.mark.parametrize(
    ("trace", "verdict", "hours"),
    [
        (None, Verdict.GONE, None),
        (TopicTrace(0, None, CONFIG), Verdict.GONE, None),
        (TopicTrace(0, NOON, CONFIG), Verdict.GONE, None),
        (TopicTrace(3, NOON - HOUR, CONFIG), Verdict.GONE_BY, 24),
        (TopicTrace(3, NOON - 25 * HOUR, CONFIG), Verdict.GONE_BY, 0),
        (TopicTrace(3, NOON - 26 * HOUR, CONFIG), Verdict.STILL_THERE, None),
        (TopicTrace(1, None, CONFIG), Verdict.STILL_THERE, None),
    ],
)
def test_older_records_of_a_topic_go_by_compaction(
    trace: TopicTrace | None, verdict: Verdict, hours: int | None
) -> None:
    finding = erasure.of_topic("users", trace, NOON)
    assert (finding.place, finding.verdict) == ("topic users", verdict)
    assert finding.by == (None if hours is None else NOON + hours * HOUR)


def test_other_places() -> None:
    letter = DeadLetter(user_id(1), 1, "p", "too long", 1, NOON)
    deleted = a_user(status=Status.DELETED, status_changed_at=NOON + HOUR)
    assert [
        (finding.verdict, finding.by)
        for finding in (
            erasure.of_journal(None, NOON),
            erasure.of_journal(NOON - HOUR, NOON),
            erasure.of_journal(NOON - 2 * HOUR, NOON),
            erasure.of_write_ahead_log(0, NOON, indexer_runs=False),
            erasure.of_write_ahead_log(4096, NOON, indexer_runs=True),
            erasure.of_write_ahead_log(4096, NOON, indexer_runs=False),
            erasure.of_index("users-1", held=False),
            erasure.of_index("users-1", held=True),
            erasure.of_dead_letters(None, deleted, NOON),
            erasure.of_dead_letters(letter, deleted, NOON),
            erasure.of_dead_letters(letter, deleted, NOON + 2 * HOUR),
            erasure.of_dead_letters(letter, None, NOON + 2 * HOUR),
            erasure.of_requests([]),
            erasure.of_requests(["p"]),
        )
    ] == [
        (Verdict.GONE, None),
        (Verdict.GONE_BY, NOON),
        (Verdict.STILL_THERE, None),
        (Verdict.GONE, None),
        (Verdict.GONE_BY, NOON + HOUR),
        (Verdict.STILL_THERE, None),
        (Verdict.GONE, None),
        (Verdict.STILL_THERE, None),
        (Verdict.GONE, None),
        (Verdict.GONE_BY, NOON + 2 * HOUR),
        (Verdict.GONE_BY, NOON + 2 * HOUR),
        (Verdict.STILL_THERE, None),
        (Verdict.GONE, None),
        (Verdict.STILL_THERE, None),
    ]


def test_one_place_where_the_user_still_is_makes_the_receipt_incomplete() -> None:
    findings = [erasure.gone("store"), Finding("topic users", Verdict.GONE_BY, NOON + HOUR)]
    assert Receipt(user_id(1), NOON, findings, ["backups"]).complete
    told = Receipt(user_id(1), NOON, [*findings, erasure.of_index("users-1", held=True)], ["backups"]).to_json()
    assert (told["complete"], told["cannotSee"]) == (False, ["backups"])
    assert told["places"][1] == {
        "place": "topic users",
        "verdict": "gone by",
        "by": "2026-01-31T13:00:00.000Z",
        "detail": "",
    }


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (Mode.CLUSTER, ("backups", "oplog", "snapshots", "other consumers", "own dead-letter topic", "logs")),
        (Mode.WITHOUT_KAFKA, ("backups", "oplog", "snapshots", "logs")),
        (Mode.EMBEDDED, ("backups", "segment", "logs")),
    ],
)
def test_what_cannot_be_seen_is_named(mode: Mode, words: tuple[str, ...]) -> None:
    text = "; ".join(erasure.unseen(mode))
    assert all(word in text for word in words)
    assert ("oplog" in text) == (mode is not Mode.EMBEDDED)
    assert ("topic" in text) == (mode is Mode.CLUSTER)
