"""Rows of an import file, CSV or NDJSON: read in bounded chunks whatever the file holds.

A line longer than MAX_LINE bytes, a quote that is never closed and bytes that are not UTF-8 cost one row, not the file.
"""

import codecs
import csv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Protocol

import orjson

from domain.errors import BadInput, ServiceError
from domain.users.fields import BY_NAME, FIELDS, Field, Kind, Writer

MAX_LINE = 1 << 20
"""Bytes of one row: many times what a user can hold."""

LIST_SEPARATOR = "|"
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Row:
    """The row that begins at line `line`: field name → raw value, or why it cannot be read.

    `text` is it as read (of one that is too long, the beginning); `ignored` are fields that an import does not write.
    """

    line: int
    text: str
    values: Mapping[str, Any]
    error: ServiceError | None = None
    ignored: Sequence[str] = ()


class Source(Protocol):
    """What a file of rows has to be: a pipe is enough."""

    def readline(self, limit: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    content: bytes
    oversized: bool = False


def read_rows(file: Source, name: str, *, delimiter: str = ",") -> Iterator[Row]:
    """The rows of `file`; a `name` that ends in .ndjson or .jsonl is NDJSON, any other is CSV with a header.

    Raises BadInput if the file as a whole is not one of users: a header with unknown columns or another delimiter.
    """
    lines = _lines(file)
    if PurePath(name).suffix in {".ndjson", ".jsonl"}:
        return (_json_row(line) for line in lines if line.oversized or line.content.strip())
    return _csv_rows(lines, delimiter)


def _is_written(field: Field) -> bool:
    """Whether an import writes the field; the service sets the others itself."""
    return field.writer is not Writer.SERVICE or field.kind is Kind.STATUS


def _lines(file: Source) -> Iterator[_Line]:
    number = 0
    while content := file.readline(MAX_LINE):
        number += 1
        oversized = len(content) == MAX_LINE and not content.endswith(b"\n")
        if oversized:
            while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
        yield _Line(number, content if number > 1 else content.removeprefix(codecs.BOM_UTF8), oversized)


def _refused(line: _Line, reason: str, field: str | None = None) -> Row:
    return Row(line.number, _text(line), {}, BadInput(reason, field=field))


def _text(line: _Line) -> str:
    content = line.content[:_SHOWN] if line.oversized else line.content
    return content.decode(errors="replace").rstrip("\r\n")


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
    kept = {name: value for name, value in values.items() if _is_written(BY_NAME[name])}
    return Row(line.number, _text(line), kept, ignored=tuple(values.keys() - kept.keys()))


def _csv_rows(lines: Iterator[_Line], delimiter: str) -> Iterator[Row]:
    records = _Records(lines, delimiter)
    header = _header(next((record for record in records if record[1]), None), delimiter)
    ignored = tuple(field.name for field in header if not _is_written(field))
    for line, cells in records:
        if isinstance(cells, str):
            yield _refused(line, cells)
        elif len(cells) == len(header):
            yield _csv_row(line, header, cells, ignored)
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
            yield self._record(line)

    def _next(self) -> _Line | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def _record(self, first: _Line) -> tuple[_Line, list[str] | str]:
        """The record that begins with `first`; of a broken one, all lines but the first are read again."""
        taken: list[_Line] = []
        try:
            cells = next(csv.reader(self._texts(first, taken), delimiter=self._delimiter, strict=True), [])
        except UnicodeDecodeError as exc:
            reason = f"The row is not UTF-8 (byte {exc.start})."
        except csv.Error as exc:
            reason = _reason(exc, len(taken))
        else:
            return _Line(first.number, b"".join(line.content for line in taken)), cells
        self._again.extendleft(reversed(taken[1:]))
        return first, reason

    def _texts(self, first: _Line, taken: list[_Line]) -> Iterator[str]:
        """The lines from `first` on as text, as long as the reader asks for more."""
        line: _Line | None = first
        size = 0
        while line is not None:
            taken.append(line)
            size += len(line.content)
            if line.oversized or size > MAX_LINE:
                raise csv.Error(_TOO_LONG)
            yield line.content.decode()
            line = self._next()


_TOO_LONG = "row too long"
_OPEN_QUOTE = "A quote is opened and not closed."


def _reason(error: csv.Error, lines: int) -> str:
    """Why a record of so many lines is refused: what is too long over several is a quote that does not close."""
    match str(error).split(" (")[0]:
        case "unexpected end of data":
            return _OPEN_QUOTE
        case "row too long" if lines == 1:
            return f"The row is longer than {MAX_LINE} bytes."
        case "field larger than field limit" if lines == 1:
            return f"A cell is longer than {csv.field_size_limit()} characters."
        case "row too long" | "field larger than field limit":
            return _OPEN_QUOTE
        case reason:
            return f"The row is not CSV: {reason}."


def _csv_row(line: _Line, header: Sequence[Field], cells: Sequence[str], ignored: Sequence[str]) -> Row:
    values: dict[str, Any] = {}
    for field, cell in zip(header, cells, strict=True):
        if field.name in ignored:
            continue
        try:
            values[field.name] = _cell(field, cell.strip())
        except ValueError:
            return _refused(line, f"{field.name} is not {_FORMS[field.kind]}.", field=field.name)
    return Row(line.number, _text(line), values, ignored=ignored)


_FORMS = {
    Kind.BOOLEAN: "true or false",
    Kind.OBJECT: "a JSON object",
    Kind.TEXTS: f"a list separated by {LIST_SEPARATOR}, nor a JSON list",
}


def _cell(field: Field, cell: str) -> Any:
    """A cell's value; an empty cell is null. Raises ValueError."""
    if not cell:
        return None
    match field.kind:
        case Kind.BOOLEAN:
            return {"true": True, "false": False}.get(cell.lower()) if cell.lower() in {"true", "false"} else _fail()
        case Kind.TEXTS if cell.startswith("["):
            return orjson.loads(cell)
        case Kind.TEXTS:
            return [entry.strip() for entry in cell.split(LIST_SEPARATOR) if entry.strip()]
        case Kind.OBJECT:
            return orjson.loads(cell)
    return cell


def _fail() -> Any:
    raise ValueError
