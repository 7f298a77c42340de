"""Filters, orders and bounds as MongoDB queries; that they mean what the oracle means is the contract suite's."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.users.fields import BY_NAME, FIELDS
from domain.users.filter import All, AnyOf, parse
from domain.users.mongo_filter import (
    EVERYTHING,
    NOT_DELETED,
    NOTHING,
    every,
    page_query,
    page_sort,
    prefix_range,
    stored_name,
    to_query,
)
from domain.users.page import BY_ID, Order, Position, Window

TIME = datetime(2026, 1, 2, tzinfo=UTC)
NO_LIST = {"attributes.k": {"$not": {"$type": "array"}}}
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\ud7ff\ue000\U0010ffff.*\\"), max_size=4)


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        ({}, {}),
        ({"id": {"eq": "A"}}, {"_id": {"$eq": "A"}}),
        ({"username": {"eq": "ÅSA"}}, {"usernameKey": {"$eq": "åsa"}}),
        ({"externalId": {"in": ["B", "a"]}}, {"externalId": {"$in": ["B", "a"]}}),
        ({"givenName": {"ne": "A"}}, {"$nor": [{"givenName": {"$eq": "A"}}]}),
        ({"givenName": {"exists": False}}, {"givenName": {"$exists": False}}),
        ({"createdAt": {"gte": TIME}}, {"createdAt": {"$gte": TIME}}),
        ({"version": {"lt": 3}}, {"version": {"$lt": 3}}),
        ({"emailVerified": {"eq": True}}, {"emailVerified": {"$eq": True}}),
        ({"phone": {"startsWith": "+1"}}, {"phone": {"$gte": "+1", "$lt": "+2"}}),
        ({"roles": {"startsWith": "a"}}, {"roles": {"$elemMatch": {"$gte": "a", "$lt": "b"}}}),
        ({"or": []}, {"_id": {"$in": []}}),
        ({"and": []}, {}),
        ({"not": {}}, {"$nor": [{}]}),
        ({"or": [{"version": {"gt": 1}}, {}]}, {"$or": [{"version": {"$gt": 1}}, {}]}),
        (
            {"version": {"gt": 1, "lte": 5}},
            {"$and": [{"version": {"$gt": 1}}, {"version": {"$lte": 5}}]},
        ),
        ({"attributes": [{"key": "k", "eq": 1}]}, {"$and": [{"attributes.k": {"$eq": 1}}, NO_LIST]}),
        ({"attributes": [{"key": "k", "in": []}]}, {"$and": [{"attributes.k": {"$in": []}}, NO_LIST]}),
    ],
)
def test_filters_become_queries(raw: dict[str, Any], query: dict[str, Any]) -> None:
    assert to_query(parse(raw)) == query


def test_an_attribute_exists_if_it_is_a_scalar() -> None:
    scalar = {
        "$and": [
            {"attributes.k": {"$type": ["string", "bool", "int", "long", "double"]}},
            NO_LIST,
            {"$nor": [{"attributes.k": {"$gt": 2**53}}, {"attributes.k": {"$lt": -(2**53)}}]},
        ]
    }
    assert to_query(parse({"attributes": [{"key": "k", "exists": True}]})) == scalar
    assert to_query(parse({"attributes": [{"key": "k", "exists": False}]})) == {"$nor": [scalar]}


@pytest.mark.parametrize("key", ["a.b", "$where"])
def test_an_attribute_that_cannot_be_stored_is_absent_and_never_a_path(key: str) -> None:
    assert to_query(parse({"attributes": [{"key": key, "eq": 1}]})) == NOTHING
    assert to_query(parse({"attributes": [{"key": key, "exists": True}]})) == NOTHING
    assert to_query(parse({"attributes": [{"key": key, "exists": False}]})) == EVERYTHING


@given(prefix=TEXT, text=TEXT)
def test_a_prefix_is_exactly_a_range(prefix: str, text: str) -> None:
    bounds = prefix_range(prefix)
    for candidate in (text, prefix + text, prefix[:-1] + text):
        within = bounds["$gte"] <= candidate and ("$lt" not in bounds or candidate < bounds["$lt"])
        assert within is candidate.startswith(prefix)


def test_a_prefix_steps_over_the_surrogates_and_has_no_end_after_the_last_code_point() -> None:
    assert prefix_range("a\ud7ff") == {"$gte": "a\ud7ff", "$lt": "a\ue000"}
    assert prefix_range("a\U0010ffff") == {"$gte": "a\U0010ffff", "$lt": "b"}
    assert prefix_range("\U0010ffff") == {"$gte": "\U0010ffff"}
    assert prefix_range("") == {"$gte": ""}


def test_what_holds_for_all_is_left_out() -> None:
    assert every([]) == EVERYTHING
    assert every([{}, NOTHING, {}]) == NOTHING
    assert to_query(All((All(()), AnyOf(())))) == NOTHING


NAME = BY_NAME["givenName"]
HERE, NOWHERE = Position("B", "7"), Position(None, "7")


@pytest.mark.parametrize(
    ("order", "window", "bound"),
    [
        (
            Order(NAME),
            Window(1, after=HERE),
            {"$or": [{"givenName": {"$gt": "B"}}, {"givenName": "B", "_id": {"$gt": "7"}}]},
        ),
        (
            Order(NAME),
            Window(1, after=NOWHERE),
            {"$or": [{"givenName": {"$exists": True}}, {"givenName": {"$exists": False}, "_id": {"$gt": "7"}}]},
        ),
        (
            Order(NAME, descending=True),
            Window(1, after=HERE),
            {
                "$or": [
                    {"givenName": {"$lt": "B"}},
                    {"givenName": "B", "_id": {"$lt": "7"}},
                    {"givenName": {"$exists": False}},
                ]
            },
        ),
        (
            Order(NAME, descending=True),
            Window(1, after=NOWHERE),
            {"givenName": {"$exists": False}, "_id": {"$lt": "7"}},
        ),
        (
            Order(NAME, descending=True),
            Window(1, before=HERE, backward=True),
            {"$or": [{"givenName": {"$gt": "B"}}, {"givenName": "B", "_id": {"$gt": "7"}}]},
        ),
        (BY_ID, Window(1, after=Position("7", "7")), {"_id": {"$gt": "7"}}),
    ],
)
def test_bounds_follow_the_order_with_absent_values_first(order: Order, window: Window, bound: dict[str, Any]) -> None:
    assert page_query(All(()), order, window) == {"$and": [NOT_DELETED, bound]}


def test_a_page_without_bounds_leaves_out_tombstones_only() -> None:
    assert page_query(All(()), BY_ID, Window(1)) == {"status": {"$ne": "DELETED"}}


@pytest.mark.parametrize(
    ("descending", "backward", "direction"), [(False, False, 1), (True, False, -1), (False, True, -1), (True, True, 1)]
)
def test_a_backward_window_is_read_from_its_end(descending: bool, backward: bool, direction: int) -> None:
    assert page_sort(Order(BY_NAME["email"], descending), backward=backward) == [
        ("emailKey", direction),
        ("_id", direction),
    ]
    assert page_sort(Order(BY_NAME["id"], descending), backward=backward) == [("_id", direction)]


def test_every_field_has_a_stored_name_of_its_own() -> None:
    assert len({stored_name(field) for field in FIELDS}) == len(FIELDS)
