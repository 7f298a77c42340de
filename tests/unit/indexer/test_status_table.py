"""`python -m indexer status`: nothing is cut off at 80 columns, nor when it is piped."""

import asyncio
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from domain.backends import open_store
from domain.settings import Settings
from indexer import __main__ as main
from indexer.pairs import PAIRS
from indexer.reporting import Reporter
from indexer.status import State, Status
from indexer.status_table import age, show
from tests.unit.indexer.fakes import NOON

ERROR = "Kafka did not accept it: [/a transaction] " + "x" * 200
RUNNER = CliRunner()


def shown(statuses: list[Status], columns: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=columns)
    show(console, [status.dated() for status in statuses], NOON + timedelta(minutes=3))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_every_pipeline_is_one_line_of_at_most_80_columns() -> None:
    names = [pair.name for pairs in PAIRS.values() for pair in pairs]
    statuses = [
        Status(
            name,
            lambda: NOON,
            state=State.STARTING,
            lag_records=1_234_567,
            written=12_345_678,
            retries=12_345,
            dead_letters=1234,
        )
        for name in names
    ]
    header, *lines = shown(statuses)
    assert header.split() == ["pipeline", "state", "lag", "lag", "s", "written", "retries", "dead", "told"]
    assert [line.split() for line in lines] == [
        [name, "starting", "1234567", "0.0", "12345678", "12345", "1234", "3", "min", "ago"] for name in names
    ]


def test_an_error_is_told_in_full_on_one_line() -> None:
    *_, line = shown([Status("a-to-b", lambda: NOON, error=ERROR)])
    assert line == f"a-to-b: {ERROR}"


def test_a_narrow_terminal_folds_and_loses_nothing() -> None:
    text = "".join(shown([Status("mongo-to-elasticsearch", lambda: NOON)], columns=40))
    assert "…" not in text
    assert "..." not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7200, "2 h ago"), (200_000, "2 d ago")],
)
def test_ages(seconds: int, text: str) -> None:
    assert age(timedelta(seconds=seconds)) == text


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("domain.logs.set_up", lambda _: None)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return Settings(data_dir=tmp_path)


def test_the_command_shows_what_a_process_has_told(environment: Settings) -> None:
    async def tell(state: State) -> None:
        async with open_store(environment) as backend:
            await Reporter(backend.ledger, Status("a-to-b", written=5, error=ERROR), "me").report()
            running = Status("sqlite-to-tantivy", state=state)
            await Reporter(backend.ledger, running, "me").report()

    silent = RUNNER.invoke(main.app, ["status"])
    assert "No pipeline has told its status yet" in silent.stdout
    assert silent.exit_code == 1
    assert json.loads(RUNNER.invoke(main.app, ["status", "--json"]).stdout) == []
    with asyncio.Runner() as runner:
        runner.run(tell(State.RUNNING))
    assert f"a-to-b: {ERROR}" in RUNNER.invoke(main.app, ["status"]).stdout.splitlines()
    told, _ = json.loads(RUNNER.invoke(main.app, ["status", "--json"]).stdout)
    assert (told["pipeline"], told["written"], told["stale"], told["error"]) == ("a-to-b", 5, 0, ERROR)
    assert RUNNER.invoke(main.app, ["status"]).exit_code == 0
    with asyncio.Runner() as runner:
        runner.run(tell(State.BACKOFF))
    assert RUNNER.invoke(main.app, ["status"]).exit_code == 1
