"""Users for tests: made by hand, and generated."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import strategies as st
from ulid import ULID

from domain.clock import to_milliseconds
from domain.users.model import Status, User, to_document

T0 = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
_numbers = itertools.count(1)


def a_user(**values: Any) -> User:
    """A user at version 1 with a fresh id and username; `values` are attributes of the model."""
    number = next(_numbers)
    at = values.get("created_at", T0)
    return User(
        **{
            "id": str(ULID.from_timestamp(to_milliseconds(at))),
            "version": 1,
            "status": Status.ACTIVE,
            "created_at": at,
            "updated_at": at,
            "status_changed_at": at,
            "username": f"user-{number}",
            "write_id": f"w{number}",
        }
        | values
    )


def exactly(users: Iterable[User]) -> list[bytes]:
    """The documents of `users` as JSON, in which `true` is not 1 and 1.0 is not 1, unlike in Python's equality."""
    return [orjson.dumps(to_document(user), option=orjson.OPT_SORT_KEYS) for user in users]


TEXTS = st.sampled_from(
    ["a", "A", "ab", "b", "Å", "å", "ÅB", "é", "e\u0301", "ß", "z", "\uffee", "𠮷", "a%", "a_", "a*"]
)
"""Few and awkward: cases, forms, wildcards, and code points on both sides of the surrogates."""

SCALARS = st.one_of(TEXTS, st.booleans(), st.sampled_from([0, 1, -1, 1.0, 1.5, 2**53, "1", "true"]))
TIMES = st.sampled_from([T0 + timedelta(milliseconds=n) for n in (0, 1, 2, 999, 86_400_000)])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["k", 'q"', "ä", "k'", "a b"]),
    st.one_of(SCALARS, st.just(["a", 1, True]), st.just({"k": "a"}), st.just([])),
    max_size=3,
)


@st.composite
def users(draw: st.DrawFn) -> User:
    number = next(_numbers)
    email = draw(st.none() | st.sampled_from(["a", "B", "ß"]))
    return a_user(
        username=f"{draw(TEXTS)}{number}",
        external_id=f"{draw(TEXTS)}{number}" if draw(st.booleans()) else None,
        given_name=draw(st.none() | TEXTS),
        family_name=draw(st.none() | TEXTS),
        email=f"{email}{number}@Example.org" if email else None,
        email_verified=draw(st.booleans()) if email else None,
        locale=draw(st.none() | st.sampled_from(["en", "de"])),
        roles=tuple(sorted(draw(st.sets(st.sampled_from(["admin", "a", "b", "Å"]), max_size=3)))),
        status=draw(st.sampled_from([Status.ACTIVE, Status.SUSPENDED])),
        attributes=draw(ATTRIBUTES),
        created_at=draw(TIMES),
        updated_at=draw(TIMES),
        status_changed_at=draw(TIMES),
    )


def _operators(value: st.SearchStrategy[Any], *names: str) -> st.SearchStrategy[dict[str, Any]]:
    choices: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(("eq", "ne", *names), value)
    choices["in"] = st.lists(value, max_size=3)
    choices["exists"] = st.booleans()
    return st.sampled_from(sorted(choices)).flatmap(lambda name: choices[name].map(lambda chosen: {name: chosen}))


CONDITIONS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from(["username", "email", "externalId", "givenName", "familyName", "locale"]).flatmap(
        lambda name: _operators(TEXTS, "startsWith").map(lambda operators: {name: operators})
    ),
    _operators(st.sampled_from(["admin", "a", "b", "Å", "ad"]), "startsWith").map(lambda o: {"roles": o}),
    st.sampled_from(["createdAt", "updatedAt", "statusChangedAt"]).flatmap(
        lambda name: _operators(TIMES, "lt", "lte", "gt", "gte").map(lambda operators: {name: operators})
    ),
    _operators(st.integers(0, 3), "lt", "lte", "gt", "gte").map(lambda o: {"version": o}),
    st.sampled_from([{"eq": True}, {"eq": False}, {"ne": True}, {"exists": False}]).map(lambda o: {"emailVerified": o}),
    st.sampled_from(["ACTIVE", "SUSPENDED", "DELETED"]).map(lambda value: {"status": {"ne": value}}),
    st.lists(st.sampled_from(["ACTIVE", "SUSPENDED"]), max_size=2).map(lambda values: {"status": {"in": values}}),
    st.tuples(st.sampled_from(["k", 'q"', "ä", "k'", "a b", "none"]), _operators(SCALARS)).map(
        lambda pair: {"attributes": [{"key": pair[0], **pair[1]}]}
    ),
)

FILTERS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"and": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"or": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)
