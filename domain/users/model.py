"""A user, and its document: the shape in which stores keep it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.errors import NewerSchema, UnreadableUser
from domain.users.fields import FIELDS, UNIQUE, Unique
from domain.users.keys import fold

SCHEMA = 1
"""The document schema that this release writes."""

Document = dict[str, Any]
"""A stored user: camelCase names, absent fields omitted, times as aware datetimes, roles as a list."""

UPGRADES: Mapping[int, Callable[[Document], Document]] = {}
"""Upgrades on read, one a step: from schema N to N + 1, each a pure function."""


class Status(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user at one version. A tombstone (DELETED) has no personal field, and so no username.

    `write_id` names the write that made this version; `unknown` holds the fields of a document
    that this release does not know, which survive its writes.
    """

    id: str
    version: int
    status: Status
    created_at: datetime
    updated_at: datetime
    status_changed_at: datetime
    username: str | None = None
    external_id: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    display_name: str | None = None
    email: str | None = None
    email_verified: bool | None = None
    phone: str | None = None
    locale: str | None = None
    timezone: str | None = None
    picture_url: str | None = None
    roles: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    write_id: str = ""
    schema: int = SCHEMA
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def deleted(self) -> bool:
        return self.status is Status.DELETED


_NAMES: tuple[tuple[str, str], ...] = tuple((f.name, f.attribute) for f in FIELDS)
_FOLDED: tuple[tuple[str, str], ...] = tuple((f.compared, f.attribute) for f in UNIQUE if f.unique is Unique.FOLDED)
_REQUIRED = ("id", "version", "status", "createdAt", "updatedAt", "statusChangedAt")
_KNOWN = frozenset({name for name, _ in _NAMES} | {key for key, _ in _FOLDED} | {"schema", "writeId"})


def to_document(user: User) -> Document:
    """The document of a user, keys (`usernameKey`, `emailKey`) included.

    Raises NewerSchema: a document of a newer release is never written by an older one.
    """
    if user.schema > SCHEMA:
        raise NewerSchema(user.id, schema=user.schema, known=SCHEMA)
    document: Document = dict(user.unknown)
    for name, attribute in _NAMES:
        value = getattr(user, attribute)
        if value is not None and value not in ((), {}):
            document[name] = value
    document["status"] = user.status.value
    if user.roles:
        document["roles"] = list(user.roles)
    if user.attributes:
        document["attributes"] = dict(user.attributes)
    for key, attribute in _FOLDED:
        value = getattr(user, attribute)
        if value is not None:
            document[key] = fold(value)
    document["schema"] = SCHEMA
    document["writeId"] = user.write_id
    return document


def from_document(document: Document) -> User:
    """The user of a document of this schema or an older one; one of a newer schema is read as far as it is known.

    Raises UnreadableUser.
    """
    try:
        return _read(document)
    except (KeyError, TypeError, ValueError) as exc:
        missing = [name for name in _REQUIRED if name not in document]
        spoilt = f"a field is not as we write it: {type(exc).__name__}"  # the error's own text may quote a value
        reason = f"it has no {', '.join(missing)}" if missing else spoilt
        version = document.get("version")
        raise UnreadableUser(str(document.get("id")), version if isinstance(version, int) else 0, reason) from exc


def _read(document: Document) -> User:
    schema: int = document.get("schema", SCHEMA)
    for step in range(schema, SCHEMA):
        document = UPGRADES[step](document)
    values: dict[str, Any] = {attribute: document[name] for name, attribute in _NAMES if name in document}
    values["status"] = Status(values["status"])
    if "roles" in values:
        values["roles"] = tuple(values["roles"])
    unknown = {name: value for name, value in document.items() if name not in _KNOWN}
    if unknown:
        values["unknown"] = unknown
    return User(**values, write_id=document.get("writeId", ""), schema=max(schema, SCHEMA))
