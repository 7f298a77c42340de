"""What a caller may do: pure functions over its rights; the user document's `roles` never takes part.

Without a scope a caller reads its own user and writes the fields that the field table gives to oneself.
`user:read` reads everyone, lists and searches; `user:write` also creates and edits; `user:admin` also writes `roles`,
changes status, deletes and imports.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

from domain.errors import Forbidden
from domain.identity.caller import INCLUDED, Caller, Right

_ONESELF = "oneself"


class FieldRule(Protocol):
    """A row of the field table, as far as rights go: `writer.value` is "oneself", a scope, or "service" (nobody)."""

    @property
    def name(self) -> str: ...

    @property
    def writer(self) -> Enum: ...


def granted(scopes: Iterable[str], roles: Iterable[str], role_scopes: Mapping[str, Sequence[str]]) -> frozenset[Right]:
    """The rights of these scopes and of those that `role_scopes` gives to these roles; other names mean nothing."""
    named = {*scopes, *(scope for role in roles for scope in role_scopes.get(role, ()))}
    return frozenset(right for held in Right if held in named for right in INCLUDED[held])


def granted_by_claims(
    claims: Mapping[str, Any], roles_claim: str, role_scopes: Mapping[str, Sequence[str]]
) -> frozenset[Right]:
    """The rights of a verified token: of `scope` (RFC 8693: words; also a list) and of the roles claim.

    `roles_claim` is a claim's name or, where no claim has that name, a path to it: `realm_access.roles`.
    """
    return granted(_words(claims.get("scope")), _words(_at(claims, roles_claim)), role_scopes)


def may_read(caller: Caller, id: str) -> bool:
    """Whether the caller may read user `id`: all fields or none."""
    return caller.is_user(id) or caller.has(Right.READ)


def may_write(caller: Caller, id: str, field: FieldRule) -> bool:
    """Whether the caller may change this field of user `id`."""
    if field.writer.value == _ONESELF and caller.is_user(id):
        return True
    needed = _needed(field)
    return needed is not None and caller.has(needed)


def require_read(caller: Caller, id: str) -> None:
    """Raises Forbidden."""
    if not may_read(caller, id):
        raise _missing(Right.READ, "To read another user")


def require_list(caller: Caller) -> None:
    """For lists, filters, orders and counts. Raises Forbidden."""
    _require(caller, Right.READ, "To list users")


def require_search(caller: Caller) -> None:
    """For search, facets and suggestions. Raises Forbidden."""
    _require(caller, Right.READ, "To search users")


def require_create(caller: Caller, fields: Iterable[FieldRule]) -> None:
    """To create a user with these fields. Raises Forbidden."""
    _require(caller, Right.WRITE, "To create a user")
    for field in fields:
        _require_field(caller, field)


def require_write(caller: Caller, id: str, fields: Iterable[FieldRule]) -> None:
    """To change these fields of user `id` in one change. Raises Forbidden, naming the first refused field."""
    fields = tuple(fields)
    if not caller.is_user(id):
        _require(caller, Right.WRITE, "To change another user")
    for field in fields:
        if not may_write(caller, id, field):
            _require_field(caller, field)
    # A change of the address resets its verification; to vouch for the new one at once is an admin's.
    if {"email", "emailVerified"} <= {field.name for field in fields} and not caller.has(Right.ADMIN):
        raise _missing(Right.ADMIN, "To set emailVerified together with email", field="emailVerified")


def require_status_change(caller: Caller) -> None:
    """To suspend or reactivate a user, oneself included. Raises Forbidden."""
    _require(caller, Right.ADMIN, "To change a user's status")


def require_delete(caller: Caller) -> None:
    """To delete a user, oneself included. Raises Forbidden."""
    _require(caller, Right.ADMIN, "To delete a user")


def require_import(caller: Caller) -> None:
    """To import users. Raises Forbidden."""
    _require(caller, Right.ADMIN, "To import users")


def require_peers(caller: Caller) -> None:
    """To see how other services do. Raises Forbidden."""
    _require(caller, Right.ADMIN, "To see the peers")


def _require(caller: Caller, right: Right, purpose: str) -> None:
    if not caller.has(right):
        raise _missing(right, purpose)


def _require_field(caller: Caller, field: FieldRule) -> None:
    needed = _needed(field)
    if needed is None:
        raise Forbidden(f"{field.name} is the service's own: it cannot be written.", field=field.name)
    if not caller.has(needed):
        raise _missing(needed, f"To write {field.name}", field=field.name)


def _needed(field: FieldRule) -> Right | None:
    """The right to write a field of any user; None: nobody writes it."""
    match field.writer.value:
        case "oneself" | Right.WRITE:
            return Right.WRITE
        case Right.ADMIN:
            return Right.ADMIN
    return None


def _missing(right: Right, purpose: str, *, field: str | None = None) -> Forbidden:
    return Forbidden(f"{purpose}, a token with the scope {right} is needed.", field=field)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    if path in claims:
        return claims[path]
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _words(claim: Any) -> Sequence[str]:
    if isinstance(claim, str):
        return claim.split()
    return [word for word in claim if isinstance(word, str)] if isinstance(claim, list) else ()
