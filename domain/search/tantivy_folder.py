"""Where the tantivy index lives: one folder an index, and a pointer file that is the alias."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import tantivy

from domain.errors import IndexMismatch, SearchUnavailable
from domain.search.tantivy_schema import build_schema, fingerprint

POINTER = "users.alias"
SHAPE = "shape.json"
META = "meta.json"


def live_folder(path: Path) -> Path | None:
    """The folder that the pointer names, or None if there is no index yet."""
    try:
        return path / (path / POINTER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def create_folder(path: Path) -> Path:
    """A new empty index below `path`, to which the pointer leads from now on."""
    folder = path / f"users-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
    folder.mkdir(parents=True)
    (folder / SHAPE).write_bytes(orjson.dumps(fingerprint()))
    tantivy.Index(build_schema(), path=str(folder))
    draft = path / f".{POINTER}.new"
    draft.write_text(folder.name, encoding="utf-8")
    draft.replace(path / POINTER)
    return folder


def open_folder(folder: Path) -> tantivy.Index:
    """The index in `folder`. Raises IndexMismatch if another release made it, SearchUnavailable if it is broken."""
    try:
        shape = orjson.loads((folder / SHAPE).read_bytes())
        if shape != fingerprint():
            raise IndexMismatch(
                f"The index in {folder} has another shape than this release writes: stop the indexer, "
                f"remove {folder.parent} and start it again, which builds the index anew."
            )
        return tantivy.Index.open(str(folder))
    except (OSError, ValueError) as exc:
        raise SearchUnavailable(f"The index in {folder} cannot be opened: {exc}") from exc
