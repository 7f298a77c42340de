"""Bad input at the API: always an error with a code that names the input, never a 500, and nothing half-written."""

import json
from typing import Any

import pytest

from tests.unit.graph.api import Api

UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
MEGABYTE = "x" * 1_000_000
CREATE = """
mutation($input: CreateUserInput!) {
  createUser(input: $input) { user { id username attributes } userErrors { code message field } }
}
"""
USERS = """
query($filter: UserFilter, $orderBy: UserOrder, $first: Int, $after: String, $last: Int, $before: String) {
  users(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor }
  }
}
"""
SEARCH = """
query($query: String!, $filter: UserFilter, $first: Int, $after: String, $waitFor: [String!], $timeout: Float) {
  searchUsers(
    query: $query, filter: $filter, first: $first, after: $after, waitFor: $waitFor, timeout: $timeout
  ) { edges { cursor } }
}
"""


def nested(depth: int) -> dict[str, Any]:
    filter: dict[str, Any] = {"username": {"eq": "a"}}
    for _ in range(depth):
        filter = {"not": filter}
    return filter


async def refused(api: Api, query: str, variables: dict[str, Any]) -> tuple[str, str | None]:
    """The code and field of the only error."""
    (error,) = await api.errors(query, variables)
    assert "Traceback" not in error["message"]
    assert len(error["message"]) < 2_000
    return error["extensions"]["code"], error["extensions"].get("field")


@pytest.mark.parametrize(
    "id", ["", "x", "0", UNKNOWN.lower(), UNKNOWN + "A", "8" + UNKNOWN[1:], "\0" * 26, "\ud800", MEGABYTE]
)
@pytest.mark.parametrize("name", ["user", "node", "nodes"])
async def test_malformed_ids(api: Api, name: str, id: str) -> None:
    argument = "ids: [$id]" if name == "nodes" else "id: $id"
    assert await refused(api, f"query($id: ID!) {{ {name}({argument}) {{ id }} }}", {"id": id}) == (
        "BAD_USER_INPUT",
        "id",
    )


async def test_too_many_ids(api: Api) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert await refused(api, query, {"ids": [UNKNOWN] * 101}) == ("BAD_USER_INPUT", "ids")


@pytest.mark.parametrize("by", [{}, {"username": "a", "email": "b"}, {"username": None}])
async def test_user_by_takes_exactly_one_name(api: Api, by: dict[str, Any]) -> None:
    code, _ = await refused(api, "query($by: UserKey!) { userBy(by: $by) { id } }", {"by": by})
    assert code == "BAD_USER_INPUT"


@pytest.mark.parametrize("value", ["a\0b", "\ud800", MEGABYTE])
@pytest.mark.parametrize("name", ["username", "email", "externalId"])
async def test_user_by_refuses_what_no_user_can_be_called(api: Api, name: str, value: str) -> None:
    query = "query($by: UserKey!) { userBy(by: $by) { id } }"
    assert await refused(api, query, {"by": {name: value}}) == ("BAD_USER_INPUT", name)


@pytest.mark.parametrize("size", [0, -1, 101, 2**31 - 1])
async def test_page_sizes(api: Api, size: int) -> None:
    assert await refused(api, USERS, {"first": size}) == ("BAD_USER_INPUT", "first")
    assert await refused(api, USERS, {"last": size}) == ("BAD_USER_INPUT", "last")
    assert await refused(api, SEARCH, {"query": "a", "first": size}) == ("BAD_USER_INPUT", "first")


async def test_first_and_last_together(api: Api) -> None:
    assert await refused(api, USERS, {"first": 1, "last": 1}) == ("BAD_USER_INPUT", "first")


@pytest.mark.parametrize("first", [2**31, 1.5, "1", True])
async def test_a_size_that_is_no_int(api: Api, first: Any) -> None:
    assert await refused(api, USERS, {"first": first}) == ("BAD_USER_INPUT", None)


async def test_cursors_of_other_queries(api: Api) -> None:
    await api.create(username="ada", email="ada@example.org")
    by_name = {"orderBy": {"field": "USERNAME"}}
    (edge,) = (await api.data(USERS, by_name))["users"]["edges"]
    cursor = edge["cursor"]
    for variables in (
        {},
        {"orderBy": {"field": "USERNAME", "direction": "DESC"}},
        by_name | {"filter": {"email": {"exists": True}}},
    ):
        for bound in ("after", "before"):
            assert await refused(api, USERS, variables | {bound: cursor}) == ("BAD_USER_INPUT", bound)
    assert await refused(api, SEARCH, {"query": "ada", "after": cursor}) == ("BAD_USER_INPUT", "after")
    assert await api.data(USERS, by_name | {"after": cursor}) == {"users": {"edges": []}}


async def test_search_cursors_of_other_queries(api: Api) -> None:
    await api.create(username="ada", email="ada@example.org")
    cursor = (await api.data(SEARCH, {"query": "ada"}))["searchUsers"]["edges"][0]["cursor"]
    for variables in ({"query": "adah"}, {"query": "ada", "filter": {"email": {"exists": True}}}):
        assert await refused(api, SEARCH, variables | {"after": cursor}) == ("BAD_USER_INPUT", "after")
    assert await refused(api, USERS, {"after": cursor}) == ("BAD_USER_INPUT", "after")


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "W10", "\0", "\ud800", "ä", MEGABYTE, "bnVsbA", "WzEsMiwzXQ"])
async def test_cursors_that_are_none(api: Api, cursor: str) -> None:
    assert await refused(api, USERS, {"after": cursor}) == ("BAD_USER_INPUT", "after")
    assert await refused(api, SEARCH, {"query": "a", "after": cursor}) == ("BAD_USER_INPUT", "after")


@pytest.mark.parametrize("query", [USERS, SEARCH])
async def test_filters_nested_fifty_deep(api: Api, query: str) -> None:
    variables = {"filter": nested(50)} | ({"query": "a"} if query == SEARCH else {})
    assert await refused(api, query, variables) == ("BAD_USER_INPUT", "filter")


@pytest.mark.parametrize("depth", [300, 900])
async def test_filters_nested_deeper_than_the_stack(api: Api, depth: int) -> None:
    code, _ = await refused(api, USERS, {"filter": nested(depth)})
    assert code in {"BAD_USER_INPUT", "LIMIT_EXCEEDED"}


@pytest.mark.parametrize(
    "filter",
    [
        {"username": None},
        {"and": None},
        {"not": None},
        {"attributes": None},
        {"username": {"eq": None}},
        {"username": {"in": None}},
        {"username": {"eq": "a\0"}},
        {"username": {"startsWith": "\ud800"}},
        {"username": {"eq": MEGABYTE}},
        {"username": {"in": ["a"] * 101}},
        {"or": [{"username": {"eq": "a"}}] * 101},
        {"attributes": [{"key": "", "eq": 1}]},
        {"attributes": [{"key": "k", "eq": {"an": "object"}}]},
        {"attributes": [{"key": "k", "eq": [1]}]},
        {"attributes": [{"key": "k", "eq": 2**60}]},
        {"attributes": [{"key": "k", "eq": 2**80}]},
        {"attributes": [{"key": "k", "eq": None}]},
    ],
    ids=lambda value: json.dumps(value)[:50],
)
async def test_filters_that_are_refused(api: Api, filter: dict[str, Any]) -> None:
    assert await refused(api, USERS, {"filter": filter}) == ("BAD_USER_INPUT", "filter")


@pytest.mark.parametrize(
    "time",
    ["", "now", "2026-01-31", "2026-01-31T23:59:59", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", 0, MEGABYTE,
     "9999-12-31T23:59:59-01:00", "2026-01-31T24:59:59Z", "２０２６-01-31T23:59:59Z"],
    ids=lambda time: str(time)[:30],
)  # fmt: skip
async def test_times_that_are_none(api: Api, time: Any) -> None:
    assert await refused(api, USERS, {"filter": {"createdAt": {"lt": time}}}) == ("BAD_USER_INPUT", None)


@pytest.mark.parametrize(
    ("input", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "a" * 65}, "username"),
        ({"username": MEGABYTE}, "username"),
        ({"username": "a\0b"}, "username"),
        ({"username": "a\ud800b"}, "username"),
        ({"username": "a\u202eb"}, "username"),
        ({"username": "a", "email": "no address"}, "email"),
        ({"username": "a", "locale": "english"}, "locale"),
        ({"username": "a", "timezone": "Mars/Olympus"}, "timezone"),
        ({"username": "a", "pictureUrl": "javascript:alert(1)"}, "pictureUrl"),
        ({"username": "a", "roles": ["r"] * 65}, "roles"),
        ({"username": "a", "roles": ["r" * 65]}, "roles"),
        ({"username": "a", "attributes": "text"}, "attributes"),
        ({"username": "a", "attributes": [1]}, "attributes"),
        ({"username": "a", "attributes": {"big": "x" * 16_384}}, "attributes"),
        ({"username": "a", "attributes": {"n": 2**53 + 1}}, "attributes"),
        ({"username": "a", "attributes": {"n": 2**64}}, "attributes"),
        ({"username": "a", "attributes": {"$set": 1}}, "attributes"),
        ({"username": "a", "attributes": {"a.b": 1}}, "attributes"),
        ({"username": "a", "attributes": {"a": "\ud800"}}, "attributes"),
        ({"username": "a", "attributes": {"a": "\0"}}, "attributes"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:50],
)
async def test_values_that_no_user_has(api: Api, input: dict[str, Any], field: str) -> None:
    payload = (await api.data(CREATE, {"input": input}))["createUser"]
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("BAD_USER_INPUT", field)]
    assert payload["user"] is None
    assert api.database.documents == {}


async def test_deeply_nested_attributes(api: Api) -> None:
    attributes: Any = 1
    for _ in range(200):
        attributes = {"a": attributes}
    payload = (await api.data(CREATE, {"input": {"username": "a", "attributes": attributes}}))["createUser"]
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("BAD_USER_INPUT", "attributes")]


@pytest.mark.parametrize("again", ["ADA-ß", "ada-ss", "ＡＤＡ-ß", "ada-ẞ"])
async def test_usernames_that_differ_in_case_or_form_only(api: Api, again: str) -> None:
    await api.create(username="Ada-ß")
    payload = (await api.data(CREATE, {"input": {"username": again}}))["createUser"]
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("NOT_UNIQUE", "username")]
    assert len(api.database.documents) == 1


@pytest.mark.parametrize("version", [-1, 0, 2, 2**31 - 1])
async def test_versions_of_the_past_and_the_future(api: Api, version: int) -> None:
    user = await api.create(username="ada")
    query = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id } userErrors { code field } } }"
    input = {"id": user.id, "expectedVersion": version, "givenName": "Ada"}
    payload = (await api.data(query, {"input": input}))["updateUser"]
    assert payload == {"user": None, "userErrors": [{"code": "CONFLICT", "field": "expectedVersion"}]}
    assert api.database.documents[user.id]["version"] == 1


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"waitFor": ["forged"]}, "waitFor"),
        ({"waitFor": [MEGABYTE]}, "waitFor"),
        ({"waitFor": ["\ud800"]}, "waitFor"),
        ({"timeout": -0.1}, "timeout"),
        ({"timeout": 30.5}, "timeout"),
        ({"timeout": 1e300}, "timeout"),
        ({"query": MEGABYTE}, "query"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_searches_that_are_refused(api: Api, variables: dict[str, Any], field: str) -> None:
    assert await refused(api, SEARCH, {"query": "a"} | variables) == ("BAD_USER_INPUT", field)


@pytest.mark.parametrize("query", ["", " ", "\0", "\ud800", "'", "%", "a" * 500])
async def test_odd_searches_find_nobody(api: Api, query: str) -> None:
    await api.create(username="ada")
    assert await api.data(SEARCH, {"query": query}) == {"searchUsers": {"edges": []}}


@pytest.mark.parametrize(
    "literal",
    [
        "1e999",
        "9" * 5_000,
        "-" + "9" * 400,
        '"\\u0000"',
        '{a: {b: "\\u0000"}}',
        "{n: 1e999}",
        f"{{n: {'9' * 5_000}}}",
    ],
    ids=lambda literal: str(literal)[:20],
)
async def test_literals_that_no_attribute_can_be(api: Api, literal: str) -> None:
    input = f'{{username: "a", attributes: {literal}}}'
    body = await api.post(f"mutation {{ createUser(input: {input}) {{ user {{ id }} userErrors {{ code field }} }} }}")
    if "errors" in body:
        assert {error["extensions"]["code"] for error in body["errors"]} <= {
            "BAD_USER_INPUT",
            "GRAPHQL_VALIDATION_FAILED",
        }
    else:
        assert body["data"]["createUser"]["userErrors"] == [{"code": "BAD_USER_INPUT", "field": "attributes"}]
    assert api.database.documents == {}
