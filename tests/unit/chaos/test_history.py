"""The history is in its file as soon as a call is over, and knows what was written when."""

from pathlib import Path

from tests.chaos.history import History, Op, Outcome, load
from tests.unit.chaos.calls import call


def test_every_call_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "history.ndjson"
    calls = [
        call("a", Op.CREATE, 1, "one", at=10),
        call("a", Op.READ, 1, "one", at=20),
        call("", Op.CREATE, 0, "two", outcome=Outcome.UNKNOWN, at=30),
    ]
    with History(path) as history:
        for number, made in enumerate(calls, start=1):
            history.add(made)
            assert load(path) == calls[:number]


def test_only_acknowledged_writes_begun_after_a_moment_count(tmp_path: Path) -> None:
    with History(tmp_path / "history.ndjson") as history:
        history.add(call("a", Op.CREATE, 1, "one", at=10))
        history.add(call("a", Op.READ, 1, "one", at=20))
        history.add(call("a", Op.UPDATE, 0, "two", outcome=Outcome.UNKNOWN, at=30))
        later = [call("a", Op.UPDATE, 2, "two", at=40), call("b", Op.CREATE, 1, "one", at=50)]
        for made in later:
            history.add(made)
        assert history.acknowledged_since(10) == later[::-1]
        assert history.newest() == later[-1]
        assert not history.is_deleted("b")
        history.add(call("b", Op.DELETE, 0, None, outcome=Outcome.UNKNOWN, at=60))
        assert history.is_deleted("b")
