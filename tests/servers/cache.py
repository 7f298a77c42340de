"""Where installed servers are kept: outside the checkout, one folder a version, filled once and at once."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.server import InstallError

INSTALL_TIMEOUT = 540.0  # seconds for one download on a slow line


def cache_dir() -> Path:
    """The service's folder among the user's caches, by the XDG rule."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "user-service"


def home(name: str, version: str) -> Path:
    """Where that version of that server is, or will be."""
    return cache_dir() / f"{name}-{version}"


def install(name: str, version: str, fill: Callable[[Path], None]) -> None:
    """Fill the server's folder unless it is there; raises InstallError and leaves nothing half done.

    Two processes that install at once wait for each other, and the second finds the work done.
    """
    destination = home(name, version)
    if destination.exists():
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    with _locked(destination.with_name(f"{destination.name}.lock")):
        if destination.exists():
            return
        partial = Path(tempfile.mkdtemp(prefix=f"{destination.name}.", dir=destination.parent))
        try:
            fill(partial)
            partial.rename(destination)
        except OSError as exc:
            raise InstallError(name, str(exc)) from exc
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def run(
    name: str,
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = INSTALL_TIMEOUT,
) -> str:
    """What one step of an installation said; raises InstallError with the end of it when the step failed.

    `environment` is added to this process's own; `timeout` is in seconds.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise InstallError(name, f"{command[0]} took longer than {timeout:.0f} s") from exc
    except OSError as exc:
        raise InstallError(name, f"{command[0]}: {exc}") from exc
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-10:])
        raise InstallError(name, f"{command[0]} ended with {done.returncode}:\n{said}")
    return done.stdout


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go by the system when the process ends, however it ends
        yield
