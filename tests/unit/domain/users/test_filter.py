"""Filters: what is refused, and the meaning that stores are held against."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import BadInput
from domain.users.filter import MAX_CONDITIONS, All, matches, parse
from tests.contract.users.users import T0, a_user

ANN = a_user(
    username="Ann",
    email="Ann@Example.org",
    given_name="Ann",
    roles=("admin", "editor"),
    attributes={"n": 1, "b": True, "s": "x", "list": ["x"], "object": {"s": "x"}},
)


@pytest.mark.parametrize(
    ("raw", "holds"),
    [
        ({}, True),
        ({"username": {"eq": "ANN"}}, True),
        ({"email": {"startsWith": "ann@EX"}}, True),
        ({"givenName": {"eq": "ann"}}, False),
        ({"givenName": {"startsWith": "A"}}, True),
        ({"familyName": {"eq": "x"}}, False),
        ({"familyName": {"ne": "x"}}, True),
        ({"familyName": {"in": []}}, False),
        ({"familyName": {"exists": False}}, True),
        ({"not": {"familyName": {"startsWith": ""}}}, True),
        ({"roles": {"eq": "editor"}}, True),
        ({"roles": {"ne": "editor"}}, False),
        ({"roles": {"startsWith": "ed"}}, True),
        ({"createdAt": {"gte": T0, "lte": T0}}, True),
        ({"createdAt": {"gt": T0}}, False),
        ({"version": {"eq": 1, "lt": 2}}, True),
        ({"attributes": [{"key": "n", "eq": 1.0}]}, True),
        ({"attributes": [{"key": "n", "eq": True}]}, False),
        ({"attributes": [{"key": "n", "eq": "1"}]}, False),
        ({"attributes": [{"key": "b", "in": [1, True]}]}, True),
        ({"attributes": [{"key": "list", "eq": "x"}]}, False),
        ({"attributes": [{"key": "list", "exists": True}]}, False),
        ({"attributes": [{"key": "object", "ne": "x"}]}, True),
        ({"and": [{"roles": {"eq": "admin"}}, {"roles": {"eq": "editor"}}]}, True),
        ({"and": []}, True),
        ({"or": []}, False),
        ({"or": [{"status": {"eq": "SUSPENDED"}}, {"emailVerified": {"exists": False}}]}, True),
    ],
)
def test_meaning(raw: dict[str, Any], holds: bool) -> None:
    assert matches(parse(raw), ANN) is holds
    assert matches(parse({"not": raw}), ANN) is not holds


def nested(depth: int) -> dict[str, Any]:
    raw: dict[str, Any] = {"username": {"eq": "x"}}
    for _ in range(depth):
        raw = {"not": raw}
    return raw


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"nonsense": {"eq": 1}}, "Users cannot be filtered by 'nonsense'."),
        ({"pictureUrl": {"eq": "x"}}, "Users cannot be filtered by 'pictureUrl'."),
        ({"username": {"lt": "x"}}, "username has no operator 'lt': use one of eq, exists, in, ne, startsWith."),
        ({"username": {"eq": None}}, "username.eq is null: use exists to ask for absence."),
        ({"username": {"eq": 1}}, "A filter on username got a value that username cannot have."),
        ({"username": {"eq": "x" * 257}}, "A filter on username got a value"),
        ({"username": {"eq": "\ud800"}}, "A filter on username got a value"),
        ({"username": {"eq": "a\0"}}, "A filter on username got a value"),
        ({"username": {"in": "x"}}, "username.in takes a list of at most 100 values."),
        ({"username": {"in": ["x"] * 101}}, "username.in takes a list of at most 100 values."),
        ({"username": {"exists": 1}}, "username.exists takes true or false."),
        ({"createdAt": {"eq": "2026-01-01"}}, "A filter on createdAt got a value"),
        ({"createdAt": {"eq": datetime(2026, 1, 1)}}, "A filter on createdAt got a value"),  # noqa: DTZ001 (that is it)
        ({"version": {"eq": 2**54}}, "A filter on version got a value"),
        ({"version": {"eq": True}}, "A filter on version got a value"),
        ({"attributes": [{"eq": 1}]}, "A filter on attributes needs the key of an attribute."),
        ({"attributes": [{"key": "\ud800", "eq": 1}]}, "A filter on attributes needs the key of an attribute."),
        ({"attributes": [{"key": "a", "gt": 1}]}, "attributes has no operator 'gt'"),
        ({"attributes": [{"key": "a", "eq": [1]}]}, "A filter on attributes got a value"),
        (nested(50), "The filter is nested deeper than 10 levels: flatten it."),
        ({"or": [{"username": {"eq": "x"}}] * (MAX_CONDITIONS + 1)}, "The filter has more than 100 conditions."),
        ({"or": [{}] * (MAX_CONDITIONS + 1)}, "The filter has more than 100 conditions."),
        ({"and": [{"not": {"or": []}}] * (MAX_CONDITIONS + 1)}, "The filter has more than 100 conditions."),
        ({"or": [{"attributes": []}] * (MAX_CONDITIONS + 1)}, "The filter has more than 100 conditions."),
    ],
)
def test_bad_filters_are_refused(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(raw)
    assert str(refused.value).startswith(message)
    assert refused.value.field == "filter"


def test_values_are_kept_as_stores_compare_them() -> None:
    filter = parse({"createdAt": {"eq": datetime(2026, 1, 1, 0, 0, 0, 123999, tzinfo=UTC)}, "username": {"in": ["Å"]}})
    assert isinstance(filter, All)
    time, name = filter.parts
    assert getattr(time, "value", None) == datetime(2026, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)
    assert getattr(name, "value", None) == ("å",)
