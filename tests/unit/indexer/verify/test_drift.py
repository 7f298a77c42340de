"""What counts as drift, and when."""

from dataclasses import replace

import pytest

from domain.search.document import search_document
from domain.search.index import Held
from domain.users.model import Status
from indexer.verify.drift import Drift, Kind, Verdict, compare, document_digest, judge, verdict
from tests.contract.users.users import a_user

USER = a_user(version=5)
DIGEST = document_digest(USER) or 0
TOMBSTONE = replace(USER, status=Status.DELETED, username=None)


@pytest.mark.parametrize(
    ("user", "held", "kind"),
    [
        (None, None, None),
        (TOMBSTONE, None, None),
        (USER, Held(USER.id, 5, DIGEST), None),
        (USER, None, Kind.MISSING),
        (USER, Held(USER.id, 4, DIGEST), Kind.STALE),
        (None, Held(USER.id, 5, DIGEST), Kind.ORPHANED),
        (TOMBSTONE, Held(USER.id, 4, DIGEST), Kind.ORPHANED),
        (TOMBSTONE, Held(USER.id, 9, DIGEST), Kind.ORPHANED),
        (USER, Held(USER.id, 5, DIGEST ^ 1), Kind.DIFFERENT),
        (USER, Held(USER.id, 6, DIGEST), Kind.AHEAD),
    ],
)
def test_every_kind(user: object, held: Held | None, kind: Kind | None) -> None:
    drift = judge(USER.id, user, held)  # type: ignore[arg-type]  # parametrised
    assert (drift.kind if drift else None) == kind


def test_a_user_without_a_document_is_missing_or_different_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def project(user: object) -> dict[str, object]:
        if user is bad:
            raise ValueError
        return search_document(user)  # type: ignore[arg-type]  # users only

    bad, good = a_user(), a_user()
    held = [Held(user.id, 1, document_digest(user) or 0) for user in (bad, good)]
    monkeypatch.setattr("indexer.verify.drift.search_document", project)
    assert compare([bad, good], held) == [Drift(bad.id, Kind.DIFFERENT, 1, 1)]
    assert compare([bad, good], held[1:]) == [Drift(bad.id, Kind.MISSING, 1, None)]


STALE = Drift("a", Kind.STALE, stored=5, held=3)


@pytest.mark.parametrize(
    ("suspicion", "present", "age", "expected"),
    [
        (STALE, STALE, 14.9, Verdict.WAIT),
        (STALE, STALE, 15.0, Verdict.DRIFT),
        (STALE, Drift("a", Kind.STALE, 900, 4), 15.0, Verdict.DRIFT),  # moved, but not as far as the suspicion
        (STALE, Drift("a", Kind.STALE, 900, 5), 0.1, Verdict.LEVEL),  # a little behind, as it always is
        (Drift("a", Kind.MISSING, 1, None), Drift("a", Kind.STALE, 2, 1), 15.0, Verdict.LEVEL),
        (Drift("a", Kind.ORPHANED, 6, 5), Drift("a", Kind.ORPHANED, None, 5), 14.9, Verdict.WAIT),
        (Drift("a", Kind.ORPHANED, 6, 5), Drift("a", Kind.ORPHANED, None, 5), 15.0, Verdict.DRIFT),
        (Drift("a", Kind.AHEAD, 5, 6), Drift("a", Kind.AHEAD, 5, 6), 0.9, Verdict.WAIT),
        (Drift("a", Kind.AHEAD, 5, 6), Drift("a", Kind.AHEAD, 5, 6), 1.0, Verdict.DRIFT),
        (Drift("a", Kind.DIFFERENT, 5, 5), Drift("a", Kind.DIFFERENT, 5, 5), 1.0, Verdict.DRIFT),
        (Drift("a", Kind.DIFFERENT, 5, 5), Drift("a", Kind.STALE, 6, 5), 1.0, Verdict.WAIT),  # not rewritten yet
        (Drift("a", Kind.DIFFERENT, 5, 5), Drift("a", Kind.STALE, 7, 6), 1.0, Verdict.LEVEL),
    ],
)
def test_suspicions(suspicion: Drift, present: Drift, age: float, expected: Verdict) -> None:
    assert verdict(suspicion, present, age, patience=15.0) is expected


def test_without_patience_everything_is_certain_at_once() -> None:
    for kind in Kind:
        drift = Drift("a", kind, 1, 0)
        assert verdict(drift, drift, 0.0, patience=0.0) is Verdict.DRIFT
