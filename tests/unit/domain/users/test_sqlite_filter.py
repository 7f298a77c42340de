"""Filters and windows as SQL, held against the definition on rows in memory."""

import sqlite3
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.users.fields import BY_NAME, FIELDS
from domain.users.filter import AnyOf, Condition, Not, Operator, matches, parse
from domain.users.model import User
from domain.users.page import Order, Position, Window
from domain.users.sqlite_filter import Sql, segments, successor, to_sql
from domain.users.sqlite_schema import COLUMNS, LIVE, SELECTED, create_schema, to_row
from tests.contract.users.users import T0, a_user

RELAXED = settings(deadline=None, max_examples=200)
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
AWKWARD = st.text(st.sampled_from("ab\ud7ff\ue000\uffff\U00010000\U0010ffff") | CHARACTERS, max_size=4)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


def in_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    create_schema(connection)
    return connection


def insert(connection: sqlite3.Connection, user: User) -> None:
    connection.execute(f"INSERT INTO users VALUES ({', '.join('?' * len(COLUMNS))})", to_row(user))


def holds(filter: Any, user: User) -> bool:
    connection = in_memory()
    try:
        insert(connection, user)
        where = to_sql(filter)
        return bool(connection.execute(f"SELECT count(*) FROM users WHERE {where.text}", where.values).fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("raw", "sql"),
    [
        ({"username": {"eq": "ÅNN"}}, Sql('"usernameKey" = ?', ("ånn",))),
        ({"externalId": {"in": ["a", "B"]}}, Sql('"externalId" IN (?, ?)', ("a", "B"))),
        ({"givenName": {"startsWith": "Jo"}}, Sql('("givenName" >= ? AND "givenName" < ?)', ("Jo", "Jp"))),
        ({"createdAt": {"gte": T0}}, Sql('"createdAt" >= ?', (1767323045678,))),
        ({"emailVerified": {"eq": True}}, Sql('"emailVerified" = ?', (1,))),
        ({"status": {"eq": "ACTIVE"}}, Sql('+"status" = ?', ("ACTIVE",))),
        ({"locale": {"exists": False}}, Sql('"locale" IS NULL')),
        ({"locale": {"ne": "en"}}, Sql('("locale" = ?) IS NOT TRUE', ("en",))),
        ({"and": []}, Sql("TRUE")),
        ({"or": []}, Sql("FALSE")),
        (
            {"or": [{"locale": {"eq": "en"}}, {"id": {"eq": "x"}}], "version": {"lt": 3}},
            Sql('(("locale" = ? OR "id" = ?) AND "version" < ?)', ("en", "x", 3)),
        ),
    ],
)
def test_conditions_keep_the_shapes_that_indexes_serve(raw: dict[str, Any], sql: Sql) -> None:
    assert to_sql(parse(raw)) == sql


@pytest.mark.parametrize("absent", [True, False])
@pytest.mark.parametrize("depth", range(4))
def test_negations_of_absent_values_are_two_valued(depth: int, absent: bool) -> None:
    user = a_user(locale=None if absent else "de")
    filter: Any = AnyOf((Condition(BY_NAME["locale"], Operator.EQ, "en"), parse({"givenName": {"eq": "x"}})))
    for _ in range(depth):
        filter = Not(filter)
    assert matches(filter, user) is bool(depth % 2)
    assert holds(filter, user) is bool(depth % 2)


@RELAXED
@given(stored=NUMBERS | st.booleans() | AWKWARD, wanted=NUMBERS | st.booleans() | AWKWARD, same=st.booleans())
def test_attributes_compare_as_json_does(stored: Any, wanted: Any, same: bool) -> None:
    if same and not (isinstance(stored, float) and abs(stored) > 2**53):
        wanted = stored
    if isinstance(wanted, float) and abs(wanted) > 2**53:
        wanted = 0.1
    user = a_user(attributes={"k": stored, "other": wanted})
    for raw in ({"eq": wanted}, {"ne": wanted}, {"in": [wanted, "x"]}, {"exists": True}, {"exists": False}):
        filter = parse({"attributes": [{"key": "k", **raw}]})
        assert holds(filter, user) is matches(filter, user)


@RELAXED
@given(text=AWKWARD, prefix=AWKWARD, joined=st.booleans())
def test_a_prefix_is_the_range_up_to_its_successor(text: str, prefix: str, joined: bool) -> None:
    text = prefix + text if joined else text
    beyond = successor(prefix)
    inside = prefix.encode() <= text.encode() and (beyond is None or text.encode() < beyond.encode())
    assert inside is text.startswith(prefix)


@pytest.mark.parametrize("prefix", ["", "\U0010ffff", "a\U0010ffff", "a\ud7ff", "a%", "a_"])
def test_awkward_prefixes_match_as_texts_do(prefix: str) -> None:
    filter = Condition(BY_NAME["displayName"], Operator.STARTS_WITH, prefix)
    for name in (prefix, f"{prefix}b", "ab", "a", "b", "a\ue000", None):
        user = a_user(display_name=name)
        assert holds(filter, user) is matches(filter, user)


SORTABLE = [field for field in FIELDS if field.sortable]


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("field", SORTABLE, ids=lambda field: field.name)
@pytest.mark.parametrize("bounded", [False, True])
def test_every_page_is_read_along_an_index(field: Any, descending: bool, backward: bool, bounded: bool) -> None:
    """No page sorts, and none among the absent values begins at the first of them."""
    connection = in_memory()
    after = Position(None, "01") if bounded and not field.required else None
    window = Window(20, after=after, backward=backward)
    for segment in segments(Order(field, descending), window):
        sql = (
            f"EXPLAIN QUERY PLAN SELECT {SELECTED} FROM users WHERE {LIVE} AND {segment.where.text}"
            f' AND +"status" = ? ORDER BY {segment.order_by} LIMIT 20'
        )
        plan = [row[3] for row in connection.execute(sql, (*segment.where.values, "ACTIVE"))]
        assert len(plan) == 1, plan
        assert ("sqlite_autoindex_users" if field.name == "id" else f"_{field.compared}") in plan[0]
        if "IS NULL" in segment.where.text and segment.where.values:
            assert "id>" in plan[0] or "id<" in plan[0]
    connection.close()
