"""A change as a Kafka record: the only file that knows the format.

Key: the user's id. Value: the search document as JSON, or nothing once the user is deleted. Headers: `version` and
`schema` as decimal text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from domain.clock import from_milliseconds
from domain.errors import BadInput, NewerSchema
from domain.search.document import IndexEntry
from domain.users.model import SCHEMA
from domain.users.validation import check_id
from indexer.errors import NotOurs

Headers = Sequence[tuple[str, bytes]]
AnyHeaders = Sequence[tuple[str, bytes | None]]
"""Of a record that anybody may have written."""

OVERHEAD = 128
"""Bytes of a record beside its value, generously."""


@dataclass(frozen=True, slots=True)
class Record:
    key: bytes
    value: bytes | None
    headers: Headers

    @property
    def size(self) -> int:
        """In bytes, at most."""
        return OVERHEAD + len(self.value or b"")


def encode(entry: IndexEntry) -> Record:
    """The record that says `entry`."""
    return Record(
        entry.id.encode(),
        None if entry.document is None else orjson.dumps(entry.document),
        [("version", b"%d" % entry.version), ("schema", b"%d" % SCHEMA)],
    )


def decode(key: bytes | None, value: bytes | None, headers: AnyHeaders) -> IndexEntry:
    """The inverse of `encode`.

    Raises NotOurs for what no release ever wrote, NewerSchema for what only a newer release can read.
    """
    id = _id(key)
    schema = _number(headers, "schema")
    if schema > SCHEMA:
        raise NewerSchema(id, schema=schema, known=SCHEMA)
    version = _number(headers, "version")
    if value is None:
        return IndexEntry(id, version, None)
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise NotOurs("the value is not JSON") from None
    if not isinstance(document, dict) or document.get("id") != id or document.get("version") != version:
        raise NotOurs("the value is not the document of its key and version")
    return IndexEntry(id, version, document)


def written_at(timestamp: int) -> datetime | None:
    """When a record was written, by its `timestamp`; None for the -1 of none, and for what is no date."""
    try:
        return from_milliseconds(timestamp) if timestamp >= 0 else None
    except OverflowError:
        return None


def _id(key: bytes | None) -> str:
    try:
        id = (key or b"").decode()
        check_id(id)
    except (UnicodeDecodeError, BadInput):
        raise NotOurs("the key is not the id of a user") from None
    return id


def _number(headers: AnyHeaders, name: str) -> int:
    values = [value or b"" for header, value in headers if header == name]
    if len(values) != 1 or not values[0].isdigit() or len(values[0]) > 18 or int(values[0]) < 1:
        raise NotOurs(f"the header {name} is not one positive decimal number")
    return int(values[0])
