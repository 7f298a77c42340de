"""The rights: one table of every action, writer, scope and person; and where rights come from."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from domain.errors import Forbidden
from domain.identity import rights
from domain.identity.caller import Caller, Right

SELF, OTHER = "01J9ZK3V5N8Q2R4T6W8Y0ABCDE", "01J9ZK3V5N8Q2R4T6W8Y0ABCDF"


class Writer(Enum):
    ONESELF = "oneself"
    EDITOR = "user:write"
    ADMIN = "user:admin"
    SERVICE = "service"


@dataclass(frozen=True)
class Rule:
    name: str
    writer: Writer


LOCALE = Rule("locale", Writer.ONESELF)
EMAIL, VERIFIED = Rule("email", Writer.EDITOR), Rule("emailVerified", Writer.EDITOR)
ROLES = Rule("roles", Writer.ADMIN)
VERSION = Rule("version", Writer.SERVICE)

ACTIONS: dict[str, Callable[[Caller, str], None]] = {
    "read": rights.require_read,
    "list": lambda caller, _: rights.require_list(caller),
    "search": lambda caller, _: rights.require_search(caller),
    "create": lambda caller, _: rights.require_create(caller, [LOCALE, EMAIL]),
    "create email and emailVerified": lambda caller, _: rights.require_create(caller, [EMAIL, VERIFIED]),
    "create roles": lambda caller, _: rights.require_create(caller, [EMAIL, ROLES]),
    "create version": lambda caller, _: rights.require_create(caller, [VERSION]),
    "write nothing": lambda caller, person: rights.require_write(caller, person, []),
    "write locale": lambda caller, person: rights.require_write(caller, person, [LOCALE]),
    "write email": lambda caller, person: rights.require_write(caller, person, [EMAIL]),
    "write emailVerified": lambda caller, person: rights.require_write(caller, person, [VERIFIED]),
    "write email and emailVerified": lambda caller, person: rights.require_write(caller, person, [VERIFIED, EMAIL]),
    "write locale and email": lambda caller, person: rights.require_write(caller, person, [LOCALE, EMAIL]),
    "write roles": lambda caller, person: rights.require_write(caller, person, [ROLES]),
    "write version": lambda caller, person: rights.require_write(caller, person, [VERSION]),
    "change status": lambda caller, _: rights.require_status_change(caller),
    "delete": lambda caller, _: rights.require_delete(caller),
    "import": lambda caller, _: rights.require_import(caller),
}

SCOPES = [None, "user:read", "user:write", "user:admin"]
NOBODY = len(SCOPES)

# The first of SCOPES that allows it: for oneself, for another user.
ALLOWED_FROM: dict[str, tuple[int, int]] = {
    "read": (0, 1),
    "list": (1, 1),
    "search": (1, 1),
    "create": (2, 2),
    "create email and emailVerified": (2, 2),
    "create roles": (3, 3),
    "create version": (NOBODY, NOBODY),
    "write nothing": (0, 2),
    "write locale": (0, 2),
    "write email": (2, 2),
    "write emailVerified": (2, 2),
    "write email and emailVerified": (3, 3),
    "write locale and email": (2, 2),
    "write roles": (3, 3),
    "write version": (NOBODY, NOBODY),
    "change status": (3, 3),
    "delete": (3, 3),
    "import": (3, 3),
}


def _caller(scope: str | None) -> Caller:
    return Caller(SELF, rights.granted([scope] if scope else [], [], {}))


def _allowed(action: Callable[[], None]) -> bool:
    try:
        action()
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("person", [SELF, OTHER], ids=["self", "other"])
def test_every_action_by_scope_and_person(action: str, scope: str | None, person: str) -> None:
    first = ALLOWED_FROM[action][person == OTHER]
    assert _allowed(lambda: ACTIONS[action](_caller(scope), person)) == (SCOPES.index(scope) >= first)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("person", [SELF, OTHER], ids=["self", "other"])
@pytest.mark.parametrize("rule", [LOCALE, EMAIL, VERIFIED, ROLES, VERSION], ids=lambda rule: rule.name)
def test_may_and_require_agree(rule: Rule, scope: str | None, person: str) -> None:
    caller = _caller(scope)
    assert rights.may_write(caller, person, rule) == _allowed(lambda: rights.require_write(caller, person, [rule]))
    assert rights.may_read(caller, person) == _allowed(lambda: rights.require_read(caller, person))


@pytest.mark.parametrize(
    ("action", "message", "field"),
    [
        ("write email", "To write email, a token with the scope user:write is needed.", "email"),
        ("write locale and email", "To write email, a token with the scope user:write is needed.", "email"),
        ("write roles", "To write roles, a token with the scope user:admin is needed.", "roles"),
        ("write version", "version is the service's own: it cannot be written.", "version"),
        ("list", "To list users, a token with the scope user:read is needed.", None),
        ("delete", "To delete a user, a token with the scope user:admin is needed.", None),
    ],
)
def test_a_refusal_names_the_field_and_the_scope(action: str, message: str, field: str | None) -> None:
    with pytest.raises(Forbidden) as refusal:
        ACTIONS[action](_caller(None), SELF)
    assert (refusal.value.message, refusal.value.field) == (message, field)


def test_to_vouch_for_a_new_address_names_emailVerified() -> None:  # noqa: N802 (the field's name)
    with pytest.raises(Forbidden) as refusal:
        ACTIONS["write email and emailVerified"](_caller("user:write"), OTHER)
    assert refusal.value.message == (
        "To set emailVerified together with email, a token with the scope user:admin is needed."
    )
    assert refusal.value.field == "emailVerified"


_READ = {Right.READ}
_WRITE = {Right.READ, Right.WRITE}
_MAPPED = {"support": ["user:read"], "owner": ["user:admin", "billing"]}


@pytest.mark.parametrize(
    ("claims", "roles_claim", "expected"),
    [
        ({}, "roles", set()),
        ({"scope": "user:read"}, "roles", _READ),
        ({"scope": "openid  user:write\tprofile"}, "roles", _WRITE),
        ({"scope": ["openid", "user:write"]}, "roles", _WRITE),
        ({"scope": "user:admin"}, "roles", set(Right)),
        ({"scope": "USER:ADMIN user:* user:admin.read xuser:read"}, "roles", set()),
        ({"scope": ["user:read user:admin"]}, "roles", set()),
        ({"scope": {"user:admin": True}}, "roles", set()),
        ({"scope": 5, "roles": None}, "roles", set()),
        ({"scope": [5, None, ["user:admin"], "user:read"]}, "roles", _READ),
        ({"roles": ["support", "unknown"]}, "roles", _READ),
        ({"roles": "support owner"}, "roles", set(Right)),
        ({"roles": ["user:admin"]}, "roles", set()),
        ({"roles": ["owner"]}, "groups", set()),
        ({"realm_access": {"roles": ["support"]}}, "realm_access.roles", _READ),
        ({"realm_access": ["support"]}, "realm_access.roles", set()),
        ({"https://example.com/roles": ["support"]}, "https://example.com/roles", _READ),
        ({"scope": "user:read", "roles": ["owner"]}, "roles", set(Right)),
    ],
)
def test_rights_of_claims(claims: dict[str, Any], roles_claim: str, expected: set[Right]) -> None:
    assert rights.granted_by_claims(claims, roles_claim, _MAPPED) == expected


def test_the_callers_document_grants_nothing() -> None:
    """Its `roles` are not among what a right is made of: only a verified token's claims are."""
    caller = Caller(SELF, rights.granted_by_claims({"sub": SELF}, "roles", _MAPPED))
    assert not caller.rights
