"""How a command ends."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.errors import BadInput, IndexMismatch, OutOfReach, SearchUnavailable, ServiceError, StoreUnavailable
from indexer.__main__ import app
from indexer.commands import running
from indexer.connectors.errors import ConnectUnavailable
from indexer.errors import KafkaUnavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("x"), 2),
        (IndexMismatch("x"), 2),
        (OutOfReach("x"), 3),
        (StoreUnavailable(), 3),
        (SearchUnavailable(), 3),
        (KafkaUnavailable("x"), 3),
        (ConnectUnavailable("http://worker", "did not answer"), 3),
    ],
)
def test_a_server_that_is_not_there_has_a_code_of_its_own(error: ServiceError, code: int) -> None:
    assert running.refused(error).exit_code == code


@pytest.mark.parametrize(
    "line",
    [
        "rebuild --keep inf",
        "rebuild --keep nan",
        "rebuild --keep 1e12",
        "rebuild --keep -5",
        "verify --patience nan",
        "verify --patience inf",
        "verify --patience -1",
        "verify --continuous --every nan",
        "dead-letters replay --all --wait -1",
        "dead-letters replay --all --wait nan",
        "connectors status --watch nan",
        "connectors status --watch 1e9",
    ],
)
def test_a_time_that_cannot_work_is_refused_at_the_start(
    line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("domain.logs.set_up", lambda _: None)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    ended = CliRunner().invoke(app, line.split())
    assert (ended.exit_code, list(tmp_path.iterdir())) == (2, [])
