"""The judge of histories: Porcupine, a Go program of ours in tests/porcupine, built once into the cache."""

import hashlib
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.servers import cache as servers
from tests.servers.server import InstallError

SOURCES = Path(__file__).parents[1] / "porcupine"
GO = (1, 21)
NAME = "porcupine"
JUDGE_SECONDS = 300.0


@cache
def why_not() -> str | None:
    """Build the program; the reason why no history can be judged here, or nothing."""
    if reason := _missing():
        return reason
    try:
        servers.install(NAME, _version(), _build)
    except InstallError as error:
        return error.reason
    return None


def judge(history: Path) -> tuple[bool, str]:
    """Whether every user of the history in that file is a compare-and-set register, and what the judge says."""
    program = servers.home(NAME, _version()) / NAME
    done = subprocess.run([program, history], capture_output=True, text=True, timeout=JUDGE_SECONDS, check=False)
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def _missing() -> str | None:
    go = shutil.which("go")
    if go is None:
        return "no go on the PATH: install Go 1.21 or newer"
    said = subprocess.run([go, "version"], capture_output=True, text=True, timeout=30, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < GO:
        return f"{said.strip() or 'go'} is too old: install Go 1.21 or newer"
    return None


def _version() -> str:
    """Of the program: its sources'."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(SOURCES.glob("*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _build(folder: Path) -> None:
    go = shutil.which("go") or "go"
    servers.run(NAME, [go, "build", "-trimpath", "-o", str(folder / NAME), "."], cwd=SOURCES)
