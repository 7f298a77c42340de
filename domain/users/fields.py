"""The field table: every field of a user described once; all that depends on fields reads it here.

Names and meaning follow SCIM 2.0's core user (RFC 7643).
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cached_property


class Kind(Enum):
    """What a field's value is: in Python, in a filter and in every store."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    TIME = "time"
    STATUS = "status"
    TEXTS = "texts"
    OBJECT = "object"


class Unique(Enum):
    """By what two users' values are the same: folded (see keys.py) or exactly."""

    FOLDED = "folded"
    EXACT = "exact"


class Writer(Enum):
    """The least that a caller needs to write a field; SERVICE fields are written by commands only."""

    ONESELF = "oneself"
    EDITOR = "user:write"
    ADMIN = "user:admin"
    SERVICE = "service"


class Tokens(StrEnum):
    """The groups of search tokens of a user's document, by what a hit in them is worth."""

    NAME = "name"
    USERNAME = "username"
    EMAIL = "email"
    DOMAIN = "domain"


@dataclass(frozen=True)
class Field:
    """One field. `max_length` counts code points (of an entry, in TEXTS)."""

    name: str
    kind: Kind
    writer: Writer
    required: bool = False
    unique: Unique | None = None
    filterable: bool = False
    sortable: bool = False
    facetable: bool = False
    searched: Tokens | None = None
    personal: bool = False
    max_length: int = 256

    @cached_property
    def attribute(self) -> str:
        """The Python attribute: `givenName` is `given_name`."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in self.name)

    @cached_property
    def compared(self) -> str:
        """The stored name by which filters and orders compare: the key of a folded field, else the field itself."""
        return f"{self.name}Key" if self.unique is Unique.FOLDED else self.name


_T, _SERVICE = Kind.TEXT, Writer.SERVICE

FIELDS: tuple[Field, ...] = (
    Field("id", _T, _SERVICE, required=True, filterable=True, sortable=True, max_length=26),
    Field("externalId", _T, Writer.EDITOR, unique=Unique.EXACT, filterable=True, sortable=True, personal=True),
    Field(
        "username",
        _T,
        Writer.EDITOR,
        required=True,
        unique=Unique.FOLDED,
        filterable=True,
        sortable=True,
        searched=Tokens.USERNAME,
        personal=True,
        max_length=64,
    ),
    Field("givenName", _T, Writer.ONESELF, filterable=True, sortable=True, searched=Tokens.NAME, personal=True),
    Field("familyName", _T, Writer.ONESELF, filterable=True, sortable=True, searched=Tokens.NAME, personal=True),
    Field("displayName", _T, Writer.ONESELF, filterable=True, sortable=True, searched=Tokens.NAME, personal=True),
    Field(
        "email",
        _T,
        Writer.EDITOR,
        unique=Unique.FOLDED,
        filterable=True,
        sortable=True,
        searched=Tokens.EMAIL,
        personal=True,
        max_length=254,
    ),
    Field("emailVerified", Kind.BOOLEAN, Writer.EDITOR, filterable=True, personal=True),
    Field("phone", _T, Writer.ONESELF, filterable=True, personal=True),
    Field("locale", _T, Writer.ONESELF, filterable=True, facetable=True, personal=True),
    Field("timezone", _T, Writer.ONESELF, filterable=True, facetable=True, personal=True),
    Field("pictureUrl", _T, Writer.ONESELF, personal=True),
    Field("roles", Kind.TEXTS, Writer.ADMIN, filterable=True, facetable=True, personal=True, max_length=64),
    Field("status", Kind.STATUS, _SERVICE, required=True, filterable=True, sortable=True, facetable=True),
    Field("attributes", Kind.OBJECT, Writer.EDITOR, filterable=True, personal=True),
    Field("version", Kind.INTEGER, _SERVICE, required=True, filterable=True),
    Field("createdAt", Kind.TIME, _SERVICE, required=True, filterable=True, sortable=True),
    Field("updatedAt", Kind.TIME, _SERVICE, required=True, filterable=True, sortable=True),
    Field("statusChangedAt", Kind.TIME, _SERVICE, required=True, filterable=True, sortable=True),
)

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
WRITABLE: tuple[Field, ...] = tuple(f for f in FIELDS if f.writer is not Writer.SERVICE)
UNIQUE: tuple[Field, ...] = tuple(f for f in FIELDS if f.unique)
"""Fields a user can be found by, in the order in which a duplicate is reported."""
