"""`--help` says what the code says of an option."""

import re

import pytest
import typer
from typer.testing import CliRunner

from domain.__main__ import app as domain
from graph.__main__ import commands as graph

WIDE = {"COLUMNS": "400", "TERM": "dumb"}


@pytest.mark.parametrize(
    ("command", "option", "default"),
    [
        ("import", "--by", "externalId where there is one"),
        ("import", "--rejected", "FILE.rejected.ndjson"),
        ("export", "--format", "by the file's name, else csv"),
    ],
)
def test_a_default_that_is_told_in_words_is_shown(command: str, option: str, default: str) -> None:
    assert re.search(rf"{option} .*\[default: {re.escape(default)}\]", _help(domain, command))


def test_the_exit_codes_of_peers_are_told() -> None:
    assert re.findall(r"(\d) ", _help(graph, "peers").partition("Exit codes:")[2].split(".")[0]) == ["0", "1", "2", "3"]


def _help(app: typer.Typer, command: str) -> str:
    result = CliRunner().invoke(app, [command, "--help"], env=WIDE, prog_name="test")
    assert result.exit_code == 0
    return result.output
