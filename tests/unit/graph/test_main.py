"""The commands of python -m graph that need no server."""

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

import graph.__main__ as main
from domain.identity.caller import Caller, Right
from domain.identity.verifier import verifier
from domain.settings import load_settings
from graph.schema import sdl

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def development(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))


def test_the_schema_is_printed() -> None:
    result = RUNNER.invoke(main.commands, ["schema"])
    assert (result.exit_code, result.stdout) == (0, sdl())


def test_the_recorded_schema_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    recorded = tmp_path / "schema.graphql"
    monkeypatch.setattr(main, "SDL_FILE", recorded)
    recorded.write_text(sdl(), encoding="utf-8")
    assert RUNNER.invoke(main.commands, ["schema", "--check"]).exit_code == 0
    recorded.write_text(sdl() + "type More { a: Int }\n", encoding="utf-8")
    result = RUNNER.invoke(main.commands, ["schema", "--check"])
    assert result.exit_code == 1
    assert "python -m graph schema > graph/schema.graphql" in result.stderr


async def test_a_token_holds_for_its_scopes() -> None:
    result = RUNNER.invoke(main.commands, ["token", "--sub", "ada", "--scope", "user:read user:write", "--ttl", "PT5M"])
    assert result.exit_code == 0
    caller = await verifier(load_settings()).verify(result.stdout.strip())
    assert caller == Caller("ada", frozenset({Right.READ, Right.WRITE}))


@pytest.mark.parametrize(
    ("environment", "arguments", "message"),
    [
        ({"ENVIRONMENT": "production"}, ["token"], "ENVIRONMENT=development"),
        ({}, ["token", "--ttl", "soon"], "--ttl soon is no duration"),
        ({}, ["token", "--ttl", "1e300"], "--ttl 1e300 is no duration"),
        ({}, ["token", "--ttl", "P3000000D"], "at most 3650 days"),
        ({}, ["token", "--ttl", "-5"], "more than nothing"),
        ({"MONGODB_URL": "mongodb://h/"}, ["serve"], "MONGODB_URL without ELASTICSEARCH_URL"),
        ({"PORT": "99999"}, ["serve"], "PORT"),
        ({"ENVIRONMENT": "production"}, ["serve"], "JWT_ISSUER, JWT_AUDIENCE, JWT_JWKS must be set"),
    ],
)
def test_a_refused_setting_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], arguments: list[str], message: str
) -> None:
    monkeypatch.setattr("domain.logs.set_up", lambda _: None)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = RUNNER.invoke(main.commands, arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("0.5", 0.5), ("PT15M", 900), ("P1D", 86_400)])
def test_durations(text: str, seconds: float) -> None:
    assert main._duration(text) == timedelta(seconds=seconds)
