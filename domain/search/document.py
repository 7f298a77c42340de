"""The search document of a user: what Kafka carries and every engine indexes."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from domain.clock import to_text
from domain.search.analysis import fold, is_cjk, tokens
from domain.users.fields import FIELDS, Kind, Tokens
from domain.users.filter import is_scalar
from domain.users.keys import fold as fold_key
from domain.users.model import User

SCHEMA = 1
"""The shape of the search document, its analysis included: a change raises it and is delivered by a rebuild."""

SearchDocument = dict[str, Any]
"""A user's fields (camelCase, absent omitted, times as RFC 3339 text) and, under `search`, what engines match:
`name`, `username`, `email`, `domain` (space-separated tokens), `usernameKey`, `emailKey`, `attributes` (terms)."""

MAX_TERM_BYTES = 512

_PLAIN = tuple((f.name, f.attribute) for f in FIELDS if f.kind in (Kind.TEXT, Kind.BOOLEAN, Kind.INTEGER, Kind.STATUS))
_TIMES = tuple((f.name, f.attribute) for f in FIELDS if f.kind is Kind.TIME)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """User `id` at `version`: its document, or None once it is deleted."""

    id: str
    version: int
    document: SearchDocument | None


def digest(document: SearchDocument) -> int:
    """64 bits that differ where two documents differ as JSON; the order of keys does not count."""
    text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def search_document(user: User) -> SearchDocument:
    """The document of a live user."""
    document: SearchDocument = {}
    for name, attribute in _PLAIN:
        value = getattr(user, attribute)
        if value is not None:
            document[name] = value
    document["status"] = user.status.value
    for name, attribute in _TIMES:
        document[name] = to_text(getattr(user, attribute))
    if user.roles:
        document["roles"] = list(user.roles)
    if user.attributes:
        document["attributes"] = dict(user.attributes)
    document["search"] = _search(user)
    return document


def _search(user: User) -> dict[str, Any]:
    search: dict[str, Any] = {}
    for group, found in token_groups(user).items():
        if found:
            search[group.value] = " ".join(sorted(found))
    if user.username is not None:
        search["usernameKey"] = fold_key(user.username)
    if user.email is not None:
        search["emailKey"] = fold_key(user.email)
    if user.attributes:
        search["attributes"] = attribute_terms(user.attributes)
    return search


def token_groups(user: User) -> Mapping[Tokens, frozenset[str]]:
    """By what tokens `user` is found, group by group."""
    local, _, domain = (user.email or "").rpartition("@")
    names = (user.given_name, user.family_name, user.display_name, joined_name(user))
    return {
        Tokens.NAME: frozenset().union(*(tokens(name) for name in names if name)),
        Tokens.USERNAME: tokens(user.username or ""),
        Tokens.EMAIL: tokens(local),
        Tokens.DOMAIN: tokens(domain),
    }


def joined_name(user: User) -> str | None:
    """Family and given name in one, where they are written so: the pair where they meet is a token too."""
    family, given = user.family_name, user.given_name
    if not family or not given or family.isascii() or given.isascii():
        return None
    return family + given if is_cjk(fold(family)[-1:]) and is_cjk(fold(given)[:1]) else None


def attribute_terms(attributes: Mapping[str, Any]) -> list[str]:
    """The terms by which filters find a user's attributes: for every top-level scalar its presence and its value."""
    return sorted(_terms(attributes))


def _terms(attributes: Mapping[str, Any]) -> Iterable[str]:
    for key, value in attributes.items():
        if is_scalar(value):
            yield attribute_key_term(key)
            yield attribute_term(key, value)


def attribute_key_term(key: str) -> str:
    """The term of all users whose attribute `key` is a scalar."""
    return _term([key])


def attribute_term(key: str, value: str | float) -> str:
    """The term of all users whose attribute `key` equals `value` as JSON: 1 is 1.0, but neither true nor "1"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _term([key, value])


def _term(content: list[Any]) -> str:
    """JSON, which keeps types and parts apart; a digest of it where engines would find it too long."""
    text = orjson.dumps(content)
    if len(text) <= MAX_TERM_BYTES:
        return text.decode()
    return "#" + hashlib.blake2b(text, digest_size=16).hexdigest()
