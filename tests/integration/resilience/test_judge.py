"""The judge sees what it is there to see: a right history with unknown outcomes passes, a planted anomaly does not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.history import Call, History, Op, Outcome
from tests.chaos.judge import judge, why_not
from tests.servers.fixtures import refuse
from tests.unit.chaos.calls import call

UNKNOWN = Outcome.UNKNOWN
RIGHT = [
    call("a", Op.CREATE, 1, "one", at=10),
    call("a", Op.READ, 1, "one", at=20),
    call("a", Op.UPDATE, 2, "two", expected=1, at=30),
    call("a", Op.UPDATE, 0, "no", expected=1, outcome=Outcome.CONFLICT, at=40),
    call("a", Op.UPDATE, 0, "three", expected=2, outcome=UNKNOWN, at=50),
    call("a", Op.READ, 2, "two", at=60),
    call("a", Op.READ, 3, "three", at=70),  # the unknown one has arrived late
    call("a", Op.UPDATE, 0, "never", outcome=UNKNOWN, at=80),
    call("a", Op.DELETE, 4, None, at=90),
    call("a", Op.READ, 0, None, at=100),
    call("a", Op.UPDATE, 0, "gone", outcome=Outcome.GONE, at=110),
    call("b", Op.CREATE, 1, "one", at=10),
]


@pytest.fixture(autouse=True, scope="module")
def needs_go() -> None:
    if reason := why_not():
        refuse("Go", reason)


def _verdict(calls: Sequence[Call], folder: Path) -> tuple[bool, str]:
    with History(folder / "history.ndjson") as history:
        for made in calls:
            history.add(made)
    return judge(history.path)


def test_a_linearizable_history_passes(tmp_path: Path) -> None:
    assert _verdict(RIGHT, tmp_path) == (True, "linearizable: 12 calls, 2 users")


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param(call("a", Op.READ, 1, "one", at=65), id="a stale read"),
        pytest.param(call("a", Op.READ, 2, "two", at=75), id="back in time"),
        pytest.param(call("a", Op.READ, 2, "other", at=65), id="another text"),
        pytest.param(call("a", Op.READ, 0, None, at=65), id="not found although there"),
        pytest.param(call("a", Op.READ, 4, "never", at=105), id="back from the dead"),
        pytest.param(call("a", Op.UPDATE, 3, "too", expected=2, at=75), id="a version given twice"),
        pytest.param(call("a", Op.UPDATE, 3, "blind", expected=1, at=45), id="a write over another version"),
        pytest.param(
            call("a", Op.UPDATE, 0, "x", expected=2, outcome=Outcome.CONFLICT, at=35), id="a conflict with none"
        ),
        pytest.param(call("a", Op.UPDATE, 0, "x", outcome=Outcome.GONE, at=35), id="gone although there"),
        pytest.param(call("b", Op.CREATE, 1, "one", at=50), id="created twice"),
    ],
)
def test_one_planted_anomaly_is_rejected_and_its_user_named(planted: Call, tmp_path: Path) -> None:
    good, said = _verdict([*RIGHT, planted], tmp_path)
    assert not good
    assert said.startswith(f"user {planted.user} is not linearizable:")


def test_a_write_of_unknown_outcome_is_made_once_at_most(tmp_path: Path) -> None:
    calls = [
        call("a", Op.CREATE, 1, "one", at=10),
        call("a", Op.UPDATE, 0, "two", outcome=UNKNOWN, at=20),
        call("a", Op.READ, 2, "two", at=30),
        call("a", Op.READ, 3, "two", at=40),
    ]
    assert _verdict(calls[:-1], tmp_path)[0]
    assert not _verdict(calls[-1:], tmp_path)[0]  # the file goes on


def test_no_history_is_not_a_good_one(tmp_path: Path) -> None:
    good, said = _verdict([], tmp_path)
    assert not good
    assert said.endswith("no calls")
