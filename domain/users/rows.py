"""Rows of an import file, CSV or NDJSON: read in bounded chunks whatever the file holds.

A line longer than MAX_LINE bytes, a quote that is never closed and bytes that are not UTF-8 cost one row, not the file.
"""

import csv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO

import orjson

from domain.errors import BadInput, ServiceError
from domain.users.fields import BY_NAME, FIELDS, Field, Kind, Writer

MAX_LINE = 1 << 20
"""Bytes of one row: many times what a user can hold."""

LIST_SEPARATOR = "|"
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Row:
    """The row that begins at line `line`: field name → raw value, or why it cannot be read. `text` is it as read."""

    line: int
    text: str
    values: Mapping[str, Any]
    error: ServiceError | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    content: bytes
    oversized: bool = False


def read_rows(file: BinaryIO, name: str, *, delimiter: str = ",") -> Iterator[Row]:
    """The rows of `file`; a `name` that ends in .ndjson or .jsonl is NDJSON, any other is CSV with a header.

    Raises BadInput if the file as a whole is not one of users: a header with unknown columns or another delimiter.
    """
    lines = _lines(file)
    if PurePath(name).suffix in {".ndjson", ".jsonl"}:
        return (_json_row(line) for line in lines if line.oversized or line.content.strip())
    return _csv_rows(lines, delimiter)


def written(names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that an import writes; the service sets the others itself."""
    return tuple(name for name in names if BY_NAME[name].writer is not Writer.SERVICE)


def _lines(file: BinaryIO) -> Iterator[_Line]:
    number = 0
    while content := file.readline(MAX_LINE):
        number += 1
        oversized = len(content) == MAX_LINE and not content.endswith(b"\n")
        if oversized:
            while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
        yield _Line(number, content, oversized)


def _refused(line: _Line, reason: str, field: str | None = None) -> Row:
    text = line.content[:_SHOWN].decode(errors="replace").rstrip("\r\n")
    return Row(line.number, text, {}, BadInput(reason, field=field))


def _json_row(line: _Line) -> Row:
    if line.oversized:
        return _refused(line, f"The line is longer than {MAX_LINE} bytes.")
    try:
        values = orjson.loads(line.content)
    except orjson.JSONDecodeError as exc:
        return _refused(line, f"The line is not JSON: {exc}")
    if not isinstance(values, dict):
        return _refused(line, "The line is not a JSON object.")
    unknown = sorted(name for name in values if name not in BY_NAME)
    if unknown:
        return _refused(line, f"There is no field {unknown[0][:_SHOWN]!r}: {_names()}.", field=unknown[0])
    return Row(
        line.number, line.content.decode().rstrip("\r\n"), {name: values[name] for name in written(list(values))}
    )


def _csv_rows(lines: Iterator[_Line], delimiter: str) -> Iterator[Row]:
    records = _Records(lines, delimiter)
    header = _header(next(iter(records), None), delimiter)
    for line, cells in records:
        if isinstance(cells, str):
            yield _refused(line, cells)
        elif len(cells) == len(header):
            yield _csv_row(line, header, cells)
        elif cells:
            yield _refused(line, f"The row has {len(cells)} cells, the header has {len(header)}.")


def _header(first: tuple[_Line, list[str] | str] | None, delimiter: str) -> list[Field]:
    if first is None:
        raise BadInput("The file is empty: its first line must name the columns.")
    if isinstance(first[1], str):
        raise BadInput(f"The header cannot be read. {first[1]}")
    names = [name.strip() for name in first[1]]
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        others = [other for other in (",", ";", "\t", "|") if other != delimiter and other in unknown[0]]
        hint = f" Is the delimiter {others[0]!r}? Then give --delimiter." if others else ""
        raise BadInput(f"There is no field {unknown[0][:_SHOWN]!r}: {_names()}.{hint}")
    if len(set(names)) != len(names):
        raise BadInput("The header names a column twice.")
    return [BY_NAME[name] for name in names]


def _names() -> str:
    return "the columns are " + ", ".join(field.name for field in FIELDS)


class _Records:
    """CSV records as (first line, cells or why there are none). RFC 4180: a record goes on while a quote is open."""

    def __init__(self, lines: Iterator[_Line], delimiter: str) -> None:
        self._lines = lines
        self._again: deque[_Line] = deque()
        self._delimiter = delimiter

    def __iter__(self) -> Iterator[tuple[_Line, list[str] | str]]:
        while (line := self._next()) is not None:
            yield line, self._cells(line)

    def _next(self) -> _Line | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def _cells(self, first: _Line) -> list[str] | str:
        """The cells of the record that begins with `first`; what it took of a broken one is read again."""
        taken: list[_Line] = []
        try:
            return next(csv.reader(self._texts(first, taken), delimiter=self._delimiter, strict=True), [])
        except UnicodeDecodeError as exc:
            reason = f"The row is not UTF-8 (byte {exc.start})."
        except csv.Error as exc:
            reason = _CSV_ERRORS.get(str(exc).split(" (")[0], f"The row is not CSV: {exc}.")
        self._again.extendleft(reversed(taken[1:]))
        return reason

    def _texts(self, first: _Line, taken: list[_Line]) -> Iterator[str]:
        """The lines from `first` on as text, as long as the reader asks for more."""
        line: _Line | None = first
        size = 0
        while line is not None:
            taken.append(line)
            size += len(line.content)
            if line.oversized or size > MAX_LINE:
                raise csv.Error(_TOO_LONG)
            yield line.content.decode("utf-8-sig" if line.number == 1 else "utf-8")
            line = self._next()


_TOO_LONG = "row too long"
_OPEN_QUOTE = "A quote is opened and not closed."
_CSV_ERRORS = {
    _TOO_LONG: f"The row is longer than {MAX_LINE} bytes.",
    "unexpected end of data": _OPEN_QUOTE,
    "field larger than field limit": _OPEN_QUOTE,
}


def _csv_row(line: _Line, header: Sequence[Field], cells: Sequence[str]) -> Row:
    values: dict[str, Any] = {}
    for field, cell in zip(header, cells, strict=True):
        if field.writer is Writer.SERVICE:
            continue
        try:
            values[field.name] = _cell(field, cell.strip())
        except ValueError:
            return _refused(line, f"{field.name} is not {_FORMS[field.kind]}.", field=field.name)
    return Row(line.number, line.content[:MAX_LINE].decode(errors="replace").rstrip("\r\n"), values)


_FORMS = {Kind.BOOLEAN: "true or false", Kind.OBJECT: "a JSON object"}


def _cell(field: Field, cell: str) -> Any:
    """A cell's value; an empty cell is null. Raises ValueError."""
    if not cell:
        return None
    match field.kind:
        case Kind.BOOLEAN:
            return {"true": True, "false": False}.get(cell.lower()) if cell.lower() in {"true", "false"} else _fail()
        case Kind.TEXTS:
            return [entry.strip() for entry in cell.split(LIST_SEPARATOR) if entry.strip()]
        case Kind.OBJECT:
            return orjson.loads(cell)
    return cell


def _fail() -> Any:
    raise ValueError
