"""What `make` starts obeys the Makefile, whatever the shell that it is called from has exported."""

import os
import subprocess
from pathlib import Path

import pytest

from domain.settings import Mode, Settings
from tests.unit.deploy.project import ROOT, settings_of

OTHER = {
    "MONGODB_URL": "mongodb://elsewhere/?replicaSet=rs0",
    "ELASTICSEARCH_URL": "http://elsewhere:9200",
    "KAFKA_BOOTSTRAP_SERVERS": "elsewhere:9092",
    "JWT_ISSUER": "https://elsewhere",
    "JWT_AUDIENCE": "elsewhere",
    "JWT_JWKS": "https://elsewhere/jwks",
    "ENVIRONMENT": "production",
    "HOST": "0.0.0.0",
}
RECORD = '#!/bin/sh\necho "# $0 $*"\nenv\n'


def _made(target: str, folder: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The commands that `target` runs, and the environment of each; nothing is really started or installed."""
    for name in ("python", "honcho"):
        (folder / name).write_text(RECORD)
        (folder / name).chmod(0o700)
    ready = ("install", "servers", ".venv/installed", "graphiql", "graph/graphiql/dist/built")
    words = ["make", "--silent", target, f"BIN={folder}", *(f"--old-file={name}" for name in ready)]
    given = {"PATH": os.environ["PATH"], **OTHER}
    said = subprocess.run(words, cwd=ROOT, env=given, check=True, capture_output=True, text=True).stdout
    runs = [run.splitlines() for run in said.split("# ")[1:]]
    environments = [dict(line.split("=", 1) for line in lines if "=" in line) for _, *lines in runs]
    return [command.removeprefix(f"{folder}/") for command, *_ in runs], environments


@pytest.mark.parametrize(
    ("target", "mode"), [("run", Mode.EMBEDDED), ("token", Mode.EMBEDDED), ("cluster", Mode.CLUSTER)]
)
def test_no_server_or_issuer_of_the_shell_is_taken(
    target: str, mode: Mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands, environments = _made(target, tmp_path)
    assert commands
    for environment in environments:
        known = {name: value for name, value in environment.items() if name.lower() in Settings.model_fields}
        settings = settings_of(known, monkeypatch)
        assert settings.mode is mode
        assert settings.development
        assert "elsewhere" not in "".join(known.values())
        assert (settings.jwt_issuer, settings.jwt_audience, settings.jwt_jwks) == (None, None, None)


@pytest.mark.parametrize("target", ["run", "cluster"])
def test_no_file_of_variables_is_read(target: str, tmp_path: Path) -> None:
    commands, _ = _made(target, tmp_path)
    assert commands[-1].startswith("honcho --env /dev/null start")
