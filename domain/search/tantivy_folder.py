"""Where the tantivy indexes live: one folder an index, and a pointer file that is the alias."""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import tantivy

from domain.errors import IndexMismatch, SearchUnavailable
from domain.search.tantivy_schema import build_schema, fingerprint

POINTER = "users.alias"
SHAPE = "shape.json"
META = "meta.json"

_NAME = re.compile(r"users-(\d{20})")
_TIME = "%Y%m%d%H%M%S%f"


def live_folder(path: Path) -> Path | None:
    """The folder that the pointer names, or None if there is no index yet. Raises IndexMismatch if it is not ours."""
    try:
        name = (path / POINTER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    if not _NAME.fullmatch(name):
        raise IndexMismatch(
            f"{path / POINTER} names {name[:80]!r}, which is no index of ours: write the name of a folder beside it "
            "into it, or remove it and build the index anew (python -m indexer rebuild)."
        )
    return path / name


def folders(path: Path) -> Sequence[Path]:
    """All indexes below `path` that are ours, the oldest first."""
    found = (folder for folder in path.glob("users-*") if _NAME.fullmatch(folder.name) and (folder / SHAPE).exists())
    return sorted(found, key=lambda folder: folder.name)


def named_folder(path: Path, name: str) -> Path:
    """Ours of that name. Raises IndexMismatch if there is none."""
    folder = path / name
    if folder not in folders(path):
        raise IndexMismatch(f"There is no index {name} of ours in {path}: build a new one (python -m indexer rebuild).")
    return folder


def created_at(folder: Path) -> datetime:
    """When an index of ours was made, to the microsecond, which is its name."""
    return datetime.strptime(folder.name.removeprefix("users-"), _TIME).replace(tzinfo=UTC)


def create_folder(path: Path, at: datetime | None = None) -> Path:
    """A new and empty index below `path`, named after the UTC time `at` (now), or the next that is free.

    It is made under another name first: a crash leaves all of an index there, or nothing that counts as one.
    """
    at = at or datetime.now(UTC)
    path.mkdir(parents=True, exist_ok=True)
    draft = path / f".new-{at:{_TIME}}-{os.getpid()}-{os.urandom(4).hex()}"
    draft.mkdir()
    (draft / SHAPE).write_bytes(orjson.dumps(fingerprint()))
    tantivy.Index(build_schema(), path=str(draft))
    for file in (*draft.iterdir(), draft):
        _sync(file)
    while True:
        folder = path / f"users-{at:{_TIME}}"
        try:
            draft.rename(folder)  # refused if there is one that is not empty, as all of ours are
        except OSError:
            if not folder.exists():
                raise
            at += timedelta(microseconds=1)
        else:
            _sync(path)
            return folder


def point_to(folder: Path) -> None:
    """From now on the pointer leads to `folder`, also after a power failure."""
    draft = folder.parent / f".{POINTER}.{os.getpid()}-{os.urandom(4).hex()}"
    draft.write_text(folder.name, encoding="utf-8")
    _sync(draft)
    draft.replace(folder.parent / POINTER)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fits(folder: Path) -> bool:
    """Whether the index in `folder` has the shape that this release writes. Raises OSError."""
    try:
        return bool(orjson.loads((folder / SHAPE).read_bytes()) == fingerprint())
    except ValueError:
        return False


def open_folder(folder: Path) -> tantivy.Index:
    """The index in `folder`. Raises IndexMismatch if another release made it, SearchUnavailable if it is broken."""
    try:
        if not fits(folder):
            raise IndexMismatch(
                f"The index in {folder} has another shape than this release writes: "
                "build it anew (python -m indexer rebuild)."
            )
        return tantivy.Index.open(str(folder))
    except (OSError, ValueError) as exc:
        raise SearchUnavailable("The search index cannot be opened.", hint=f"It is in {folder}: {exc}") from exc
