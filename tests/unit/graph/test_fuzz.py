"""Whatever a client sends, the answer is a GraphQL response and nobody's crash."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.graph.api import Api, open_api

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(["\0", "ACTIVE", "x" * 300])
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))

OPERATORS = st.dictionaries(
    st.sampled_from(["eq", "ne", "in", "lt", "gte", "startsWith", "exists", "key"]), VALUES, max_size=3
)
CONDITIONS = st.dictionaries(
    st.sampled_from(["id", "username", "email", "roles", "status", "version", "createdAt", "emailVerified"]),
    OPERATORS | VALUES,
    max_size=3,
) | st.fixed_dictionaries({"attributes": st.lists(OPERATORS, max_size=2) | VALUES})
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.dictionaries(st.sampled_from(["and", "or", "not"]), inner | st.lists(inner, max_size=3)),
)
INPUTS = st.dictionaries(
    st.sampled_from(["username", "email", "roles", "attributes", "locale", "phone", "emailVerified"]), VALUES
)

USERS = """
query($filter: UserFilter, $first: Int, $after: String) {
  users(filter: $filter, first: $first, after: $after) { totalCount }
}
"""
CREATE = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { code } } }"
SEARCH = "query($query: String!, $waitFor: [String!]) { searchUsers(query: $query, waitFor: $waitFor) { totalCount } }"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with open_api(tmp_path_factory.mktemp("fuzz")) as opened:
        await opened.create(username="ada", email="ada@example.org", roles=["a"], attributes={"key": 1})
        yield opened


async def _send(api: Api, content: bytes) -> Any:
    headers = api.headers() | {"Content-Type": "application/json"}
    response = await api.client.post("/graphql", content=content, headers=headers)
    assert response.status_code in {200, 400}, response.text
    body = response.json()
    for error in body.get("errors", ()):
        assert error["extensions"]["code"] in {
            "BAD_USER_INPUT",
            "LIMIT_EXCEEDED",
            "GRAPHQL_PARSE_FAILED",
            "GRAPHQL_VALIDATION_FAILED",
        }, error
    return body


def _request(query: object, variables: object = None) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


@settings(max_examples=150, deadline=None)
@given(filter=FILTERS, first=SCALARS, after=st.none() | TEXTS)
async def test_lists(shared: Api, filter: Any, first: Any, after: str | None) -> None:
    await _send(shared, _request(USERS, {"filter": filter, "first": first, "after": after}))


@settings(max_examples=150, deadline=None)
@given(input=INPUTS)
async def test_creations(shared: Api, input: Any) -> None:
    await _send(shared, _request(CREATE, {"input": input}))


@settings(max_examples=100, deadline=None)
@given(query=VALUES, wait_for=st.lists(TEXTS, max_size=3) | VALUES)
async def test_searches(shared: Api, query: Any, wait_for: Any) -> None:
    await _send(shared, _request(SEARCH, {"query": query, "waitFor": wait_for}))


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=40) | VALUES.map(_request) | st.text('{}()[]:!$@#"\\.| abuserid\n', max_size=40).map(_request)
)
async def test_bodies_and_documents(shared: Api, content: bytes) -> None:
    await _send(shared, content)
