"""Files that appear whole or not at all, and whose mode is right from their first moment."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644
PRIVATE_FOLDER = 0o700


def write(path: Path, content: bytes, *, mode: int) -> None:
    """Replaces what is at `path`. Raises OSError."""
    with _draft(path, content, mode) as draft:
        draft.replace(path)
    _sync_folder(path.parent)


def create(path: Path, content: bytes, *, mode: int) -> None:
    """Raises FileExistsError for anything that has that name, a dangling link included; OSError."""
    with _draft(path, content, mode) as draft:
        path.hardlink_to(draft)
    _sync_folder(path.parent)


def move(source: Path, target: Path) -> None:
    """Within a folder, replacing the target. Raises OSError."""
    source.replace(target)
    _sync_folder(target.parent)


def make_folder(path: Path) -> None:
    """A folder for its owner alone that git leaves out, wherever it is; one that is there stays as it is."""
    if path.is_dir():
        return
    path.mkdir(parents=True, mode=PRIVATE_FOLDER)
    path.chmod(PRIVATE_FOLDER)
    write(path / ".gitignore", b"*\n", mode=PUBLIC)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time works on the folder; another one waits. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _draft(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode & PRIVATE)
    try:
        with os.fdopen(handle, "wb") as file:
            # The umask has been taken off the mode above; here it is not.
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
