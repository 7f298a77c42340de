"""What a run says at its end, and when it is good."""

from dataclasses import replace

import pytest

from tests.chaos.faults import Recovery
from tests.chaos.plan import Fault, Kind
from tests.chaos.report import Drift, Findings


def _recovery(kind: Kind, target: str, seconds: float, before: int = 5) -> Recovery:
    return Recovery(Fault(kind, target, 1.0, calm=True), before, seconds / 10, seconds)


RECOVERIES = [
    _recovery(Kind.KILL, "relay 1", 1.0),
    _recovery(Kind.KILL, "relay 2", 3.0),
    _recovery(Kind.PAUSE, "Kafka", 8.0),
]


def test_the_last_line_says_it_all() -> None:
    findings = Findings(seed=7, wanted=3, recoveries=RECOVERIES)
    assert findings.good
    lines = findings.table().splitlines()
    assert lines[-1] == "faults 3 missing 0 stale 0 orphaned 0 different 0 ahead 0 lost 0"
    assert "seed 7" in lines
    assert [line.split()[-5:] for line in lines if line.startswith("kill -9 relay")] == [
        ["2", "0.20", "0.30", "2.00", "3.00"]
    ]
    assert [line.split() for line in lines if line.startswith("all")] == [["all", "3", "0.30", "0.80", "3.00", "8.00"]]


@pytest.mark.parametrize("kind", Drift.__slots__)
def test_any_drift_is_not_good(kind: str) -> None:
    findings = Findings(seed=7, wanted=3, recoveries=RECOVERIES, drift=replace(Drift(), **{kind: 2}))
    assert not findings.good
    assert f" {kind} 2 " in findings.last_line


def test_a_loss_a_problem_and_too_few_faults_are_not_good() -> None:
    assert Findings(seed=7, wanted=3, recoveries=RECOVERIES, lost=["a"]).last_line.endswith("lost 1")
    assert not Findings(seed=7, wanted=3, recoveries=RECOVERIES, lost=["a"]).good
    assert not Findings(seed=7, wanted=3, recoveries=RECOVERIES, problems=["a"]).good
    assert not Findings(seed=7, wanted=4, recoveries=RECOVERIES).good


def test_a_fault_while_nothing_was_written_does_not_count() -> None:
    findings = Findings(seed=7, wanted=3, recoveries=[*RECOVERIES[:2], _recovery(Kind.PAUSE, "Kafka", 8.0, before=0)])
    assert findings.faults == 2
    assert not findings.good
