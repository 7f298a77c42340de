"""The judge of histories: Porcupine, a Go program of ours in tests/porcupine, built once into the cache."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from tests.servers import cache

SOURCES = Path(__file__).parents[1] / "porcupine"
GO = (1, 21)
NAME = "porcupine"
JUDGE_SECONDS = 300.0


def missing() -> str | None:
    """Why no history can be judged here, or nothing."""
    go = shutil.which("go")
    if go is None:
        return "no go on the PATH: install Go 1.21 or newer"
    said = subprocess.run([go, "version"], capture_output=True, text=True, timeout=30, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < GO:
        return f"{said.strip() or 'go'} is too old: install Go 1.21 or newer"
    return None


def judge(history: Path) -> str | None:
    """What is wrong with the history in that file, or nothing if every user is a compare-and-set register.

    Raises InstallError if the program cannot be built.
    """
    done = subprocess.run(
        [_program(), str(history)], capture_output=True, text=True, timeout=JUDGE_SECONDS, check=False
    )
    return None if done.returncode == 0 else done.stdout + done.stderr


def _program() -> Path:
    """Built once for every version of its sources."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(SOURCES.glob("*")):
        digest.update(path.read_bytes())
    cache.install(NAME, digest.hexdigest(), _build)
    return cache.home(NAME, digest.hexdigest()) / NAME


def _build(folder: Path) -> None:
    go = shutil.which("go") or "go"
    cache.run(NAME, [go, "build", "-trimpath", "-o", str(folder / NAME), "."], cwd=SOURCES)
