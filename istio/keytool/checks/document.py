"""Document: one manifest of a file, as plain values, and the line of each of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from keytool.checks.finding import Finding

Path = tuple[str | int, ...]
"""Where a value is: names of members and places in lists."""


@dataclass(frozen=True, slots=True)
class Document:
    """`lines` has the line of every value by its path; `()` is the document's first."""

    file: str
    body: Mapping[str, object]
    lines: Mapping[Path, int]

    @property
    def kind(self) -> str:
        return text(self.body, "kind")

    @property
    def name(self) -> str:
        return text(self.body, "metadata", "name")

    @property
    def namespace(self) -> str:
        return text(self.body, "metadata", "namespace")

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"

    def line(self, path: Path) -> int:
        """The line of the value at `path`, or of the nearest one around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines[path]

    def finding(self, path: Path, what: str, remedy: str) -> Finding:
        return Finding(self.file, self.line(path), f"{self.title}: {what}", remedy)


def of_kind(documents: Iterable[Document], kind: str) -> Sequence[Document]:
    return [document for document in documents if document.kind == kind]


def at(value: object, *path: str | int) -> object:
    """What is at that path; None if nothing is."""
    for step in path:
        match value:
            case Mapping():
                value = value.get(step)
            case list() if isinstance(step, int) and step < len(value):
                value = value[step]
            case _:
                return None
    return value


def text(value: object, *path: str | int) -> str:
    """The text at that path; empty if there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def texts(value: object, *path: str | int) -> Sequence[str]:
    """The texts in the list at that path."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else ()


def mapping(value: object, *path: str | int) -> Mapping[str, object]:
    """The object at that path; empty if there is none."""
    found = at(value, *path)
    return found if isinstance(found, Mapping) else {}


def objects(document: Document, *path: str | int) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """The objects in the list at that path, each with its own path."""
    found = at(document.body, *path)
    for place, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, Mapping):
            yield (*path, place), item
