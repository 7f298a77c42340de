"""Runs the scripts in this process, as they are typed, in a folder of their own."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from keytool.folder import KeyFolder
from keytool.paths import MANIFEST


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder of keys and a manifest that is not filled in yet."""

    path: Path

    @property
    def keys(self) -> KeyFolder:
        return KeyFolder(self.path / "keys")

    @property
    def manifest(self) -> Path:
        return self.path / "request-auth.yaml"

    def run(self, app: typer.Typer, *arguments: object, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "--out", str(self.keys.path)], input=stdin)


def workplace(path: Path) -> Workplace:
    shutil.copyfile(MANIFEST, path / MANIFEST.name)
    return Workplace(path)


def refused(result: Result) -> str:
    """The one line that a refusal is."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    lines: Sequence[str] = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Refused: ")
    return lines[0].removeprefix("Refused: ")


def assert_is_help(documentation: str | None, app: typer.Typer) -> None:
    """The help may break its lines elsewhere, after a hyphen, too."""
    shown = "".join(CliRunner().invoke(app, ["--help"]).stdout.split())
    for paragraph in (documentation or "").replace("\b", "").split("\n\n"):
        assert "".join(paragraph.split()) in shown
