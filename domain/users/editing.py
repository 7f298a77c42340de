"""What a command makes of a user: pure functions from a user and a request to the user's next version."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from domain.errors import BadInput
from domain.users.fields import BY_NAME, FIELDS, Kind, Writer
from domain.users.keys import fold
from domain.users.model import Status, User
from domain.users.validation import check

_EMPTY: Mapping[Kind, Any] = {Kind.TEXTS: (), Kind.OBJECT: {}}
_PERSONAL = tuple(field for field in FIELDS if field.personal)


def new_write_id() -> str:
    """Names one attempt to write, so that an unknown outcome can be settled by reading again."""
    return secrets.token_hex(8)


def new_user(
    values: Mapping[str, Any],
    *,
    id: str,
    write_id: str,
    at: datetime,
    phone_region: str,
    status: Status = Status.ACTIVE,
) -> User:
    """Version 1 of a user with `values` (field name → raw value; null and absent are the same).

    Raises BadInput for an unknown or refused value, or a missing username.
    """
    checked = _checked({name: value for name, value in values.items() if value is not None}, phone_region)
    if "username" not in checked:
        raise BadInput("username is required.", field="username")
    blank = User(
        id=id,
        version=1,
        status=status,
        created_at=at,
        updated_at=at,
        status_changed_at=at,
        write_id=write_id,
    )
    return _with_values(blank, checked)


def edit(
    user: User,
    changes: Mapping[str, Any],
    *,
    write_id: str,
    at: datetime,
    phone_region: str,
    status: Status | None = None,
) -> User:
    """`user` with `changes`: absent is unchanged, null is cleared, `attributes` is a merge patch (RFC 7396).

    Changing `email` resets `emailVerified` unless both are given. The same user object if nothing changes.
    Raises BadInput.
    """
    changed = _with_values(user, _checked(changes, phone_region))
    if status is not None:
        changed = _with_status(changed, status, at)
    return user if _same(changed, user) else _next_version(changed, write_id, at)


def with_status(user: User, status: Status, *, write_id: str, at: datetime) -> User:
    """`user` with `status`; the same user object if it has it already."""
    changed = _with_status(user, status, at)
    return user if changed is user else _next_version(changed, write_id, at)


def tombstone(user: User, *, write_id: str, at: datetime) -> User:
    """What is left of a deleted user: no personal field, no key, nothing that this release does not know."""
    cleared: dict[str, Any] = {field.attribute: _EMPTY.get(field.kind) for field in _PERSONAL}
    bare = replace(_with_status(user, Status.DELETED, at), unknown={}, **cleared)
    return _next_version(bare, write_id, at)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _same(one: User, other: User) -> bool:
    """Whether nothing differs. Python's equality is not JSON's: there `true` is not 1, and 1.0 is not 1."""
    return one == other and _as_json(one.attributes) == _as_json(other.attributes)


def _as_json(attributes: Mapping[str, Any]) -> bytes:
    return orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS)


def _with_status(user: User, status: Status, at: datetime) -> User:
    if user.status is status:
        return user
    return replace(user, status=status, status_changed_at=_not_before(user, at))


def _next_version(user: User, write_id: str, at: datetime) -> User:
    return replace(user, version=user.version + 1, updated_at=_not_before(user, at), write_id=write_id)


def _not_before(user: User, at: datetime) -> datetime:
    """`at`, but a clock that was set back must not make a user's times run backwards."""
    return max(at, user.updated_at)


def _checked(values: Mapping[str, Any], phone_region: str) -> dict[str, Any]:
    """Each value as it is kept; a null stays null."""
    checked: dict[str, Any] = {}
    for name, value in values.items():
        field = BY_NAME.get(name)
        if field is None or field.writer is Writer.SERVICE:
            raise BadInput(f"{name!r} is not a field that can be written.", field=name)
        if value is None and field.required:
            raise BadInput(f"{name} cannot be cleared.", field=name)
        checked[name] = None if value is None else check(field, value, phone_region=phone_region)
    return checked


def _with_values(user: User, checked: Mapping[str, Any]) -> User:
    values: dict[str, Any] = {}
    for name, value in checked.items():
        field = BY_NAME[name]
        values[field.attribute] = _EMPTY.get(field.kind) if value is None else value
    if "attributes" in checked and checked["attributes"] is not None:
        merged = merge_patch(user.attributes, checked["attributes"])
        values["attributes"] = check(BY_NAME["attributes"], merged, phone_region="")
    _settle_email(user, values)
    return replace(user, **values)


def _settle_email(user: User, values: dict[str, Any]) -> None:
    """An address that differs by more than case is not verified; no address, no verification."""
    email = values.get("email", user.email)
    if email is None:
        values["email_verified"] = None
        return
    same = user.email is not None and fold(email) == fold(user.email)
    kept = user.email_verified if same else False
    verified = values.get("email_verified", kept)
    values["email_verified"] = bool(verified)
