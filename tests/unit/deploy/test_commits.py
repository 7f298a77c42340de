"""Messages from which no release can be made are found before they are on main."""

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.deploy.project import ROOT

FILE = ROOT / ".github/commits.py"
SCRIPT: dict[str, Any] = runpy.run_path(str(FILE))


@pytest.mark.parametrize(
    "message",
    [
        "feat: search by prefix",
        "fix(indexer): a late write no longer resurrects a user\n\nWhy it did.",
        "docs(front-end): how to page",
        "feat!: usernames are case-insensitive\n\nBREAKING CHANGE: two that differ in case only are refused.",
        "refactor(graph)!: no v1\n\nWhat it was for.\n\nBREAKING CHANGE: /v1 is gone.\nRefs: 1",
    ],
)
def test_a_conventional_message_is_fine(message: str) -> None:
    assert SCRIPT["complaint"](message) is None


@pytest.mark.parametrize(
    ("message", "said"),
    [
        *[(each, "write `type(scope): what and why`") for each in ("", "Fix it", "feat:", "feat : x", "feat x: y")],
        ("feature: x", "write `type(scope): what and why`"),
        ("Feat: x", "write `type(scope): what and why`"),
        ("feat(): x", "write `type(scope): what and why`"),
        ("feat!: x", "BREAKING CHANGE"),
        ("feat(api)!: x\n\nIt is a breaking change: honestly.", "BREAKING CHANGE"),
        ("feat!: BREAKING CHANGE: x", "BREAKING CHANGE"),
    ],
)
def test_another_one_is_told_what_to_write(message: str, said: str) -> None:
    assert said in SCRIPT["complaint"](message)


def _git(folder: Path, *words: str) -> None:
    own = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)


def _check(folder: Path, range: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, FILE, range], cwd=folder, check=False, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_the_commits_of_a_range_are_checked_without_merges(tmp_path: Path) -> None:
    _git(tmp_path, "init", "--initial-branch", "main")
    for message in ("Whatever was before", "feat: one"):
        _git(tmp_path, "commit", "--allow-empty", "--message", message)
    _git(tmp_path, "checkout", "-b", "change", "HEAD")
    _git(tmp_path, "commit", "--allow-empty", "--message", "fix: two\n\nwith a body")
    assert _check(tmp_path, "main..HEAD") == (0, "")
    _git(tmp_path, "commit", "--allow-empty", "--message", "three")
    _git(tmp_path, "checkout", "main")
    _git(tmp_path, "merge", "--no-ff", "--message", "Merge of change", "change")
    code, said = _check(tmp_path, "HEAD^1..HEAD")
    assert code == 1
    assert [line.partition(" ")[2] for line in said.splitlines() if not line.startswith(" ")] == ["three"]
    assert _check(tmp_path, "nowhere..HEAD")[0] == 2
