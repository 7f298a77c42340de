"""`python -m indexer verify`: what it prints, and its exit codes."""

import asyncio
import io
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from domain.backends import open_index_writer, open_store
from domain.settings import Settings
from indexer import __main__ as main
from indexer.verify.drift import Drift, Kind
from indexer.verify.report import Report
from indexer.verify.report_table import AHEAD_HINT, LEFT_HINT, REPAIR_HINT, show

RUNNER = CliRunner()
ID = "01J" + 23 * "0"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("domain.logs.set_up", lambda _: None)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return Settings(data_dir=tmp_path)


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(work)


def test_exit_codes_from_no_index_to_no_drift(settings: Settings) -> None:
    async def create() -> None:
        async with open_store(settings) as store:
            await store.users.import_rows([{"username": "nydia"}, {"username": "chuy"}], by="username")

    async def prepare() -> None:
        async with open_index_writer(settings) as writer:
            await writer.prepare()

    run(create())
    refused = RUNNER.invoke(main.app, ["verify"])
    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (
        3,
        "No index serves: start the indexer (python -m indexer run), which makes one.",
    )
    run(prepare())
    found = RUNNER.invoke(main.app, ["verify", "--json", "--patience", "0"])
    told = json.loads(found.stdout)
    assert (found.exit_code, told["drift"], told["found"]["missing"], told["repaired"]) == (1, 2, 2, False)
    assert [(one["kind"], one["storeVersion"], one["indexVersion"]) for one in told["examples"]] == [
        ("missing", 1, None)
    ] * 2
    repaired = RUNNER.invoke(main.app, ["verify", "--repair", "--patience", "0"])
    assert (repaired.exit_code, repaired.stdout.splitlines()[-1]) == (0, "All of it is repaired.")
    level = RUNNER.invoke(main.app, ["verify", "--patience", "0"])
    assert (level.exit_code, level.stdout.splitlines()[-1]) == (0, "No drift.")


def test_watching_repairs_nothing(settings: Settings) -> None:
    refused = RUNNER.invoke(main.app, ["verify", "--continuous", "--repair"])
    assert (refused.exit_code, refused.stderr) == (
        2,
        "--continuous only watches: leave --repair and --json out.\n",
    )


def shown(report: Report) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    show(console, report)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_report_fits_80_columns_and_says_what_to_do() -> None:
    drift = Drift(ID, Kind.AHEAD, 1234, 1235)
    missing = Drift(ID, Kind.MISSING, 1, None)
    found = {Kind.AHEAD: 1, Kind.MISSING: 12_345}
    report = Report("users-1", 20_000, 7_656, 2.04, found, found, [missing, drift], dead_letters=frozenset({ID}))
    lines = shown(report)
    assert lines[0] == "20,000 users of the store compared with 7,656 documents of users-1 in 2.0 s"
    assert lines[1:7] == [
        "drift       found",
        "missing    12,345",
        "stale           0",
        "orphaned        0",
        "different       0",
        "ahead           1",
    ]
    assert lines[8].split() == ["missing", ID, "v1", "-", "dead", "letter"]
    assert lines[9].split() == ["ahead", ID, "v1234", "v1235", "dead", "letter"]
    assert lines[10:] == [REPAIR_HINT, AHEAD_HINT]
    assert max(map(len, lines[:10])) <= 80


def test_what_a_repair_left_is_said() -> None:
    left = {Kind.STALE: 1}
    report = Report("users-1", 2, 2, 0, {Kind.STALE: 3}, left, [Drift(ID, Kind.STALE, 2, 1)], repaired=True)
    lines = shown(report)
    assert lines[1].split() == ["drift", "found", "left", "after", "the", "repair"]
    assert lines[3].split() == ["stale", "3", "1"]
    assert lines[-1] == LEFT_HINT
