"""python istio/check_manifests.py: what it says, and its exit code."""

import subprocess
import sys
from pathlib import Path

from tests.unit.istio.manifests import FILES, ROOT, shipped

SCRIPT = ROOT / "istio" / "check_manifests.py"


def _run(*arguments: str | Path, cwd: Path = ROOT) -> tuple[int, str, str]:
    command = [sys.executable, SCRIPT, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def _written(folder: Path) -> list[Path]:
    files = [folder / name for name in shipped()]
    for file in files:
        file.write_text(shipped()[file.name])
    return files


def test_clean_manifests(tmp_path: Path) -> None:
    assert _run(*_written(tmp_path)) == (0, "8 files: nothing found.\n", "")


def test_a_finding_is_a_line_and_exit_code_1(tmp_path: Path) -> None:
    files = _written(tmp_path)
    bad = tmp_path / "peer-authentication.yaml"
    bad.write_text(bad.read_text().replace("STRICT", "DISABLE"))
    code, out, err = _run(*files, cwd=tmp_path)
    assert (code, out) == (1, "")
    first, *_, last = err.splitlines()
    assert first.startswith("authorization-policies.yaml:")
    assert "peer-authentication.yaml:9: PeerAuthentication default: mtls DISABLE takes plain text: say STRICT" in err
    assert last == "2 found in 8 files: nothing of it should be applied."


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    code, _, err = _run("none.yaml", cwd=tmp_path)
    assert code == 1
    assert err.startswith("none.yaml:1: cannot be read: No such file or directory: name a file of YAML\n")


def test_an_option_that_does_not_exist_is_usage() -> None:
    assert _run("--nope")[0] == 2


def test_the_shipped_manifests_are_clean_once_they_have_keys(tmp_path: Path) -> None:
    """The three commands' first one, then the check."""
    for file in FILES:
        (tmp_path / file.name).write_text(file.read_text())
    manifests = sorted(tmp_path.glob("*.yaml"))
    code, _, err = _run(*manifests)
    assert (code, len(err.splitlines())) == (1, 2), err
    assert "there are no keys yet" in err
    script = ROOT / "istio" / "generate_keys_and_token.py"
    where = ["--apply-to", str(tmp_path / "request-auth.yaml"), "--out", str(tmp_path / "keys")]
    command = [sys.executable, str(script), "--sub", "ada", "--key-type", "ec", *where]
    subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60, check=True)
    code, out, err = _run(*manifests, tmp_path / "keys" / "jwks-configmap.yaml")
    assert (code, out, err) == (0, "9 files: nothing found.\n", "")
