"""What a document may cost, and that counting it costs nothing."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError, ValidationRule, build_schema, get_introspection_query, parse, validate

from domain.errors import LimitExceeded
from graph.limits.aliases import alias_limit
from graph.limits.depth import depth_limit
from graph.limits.length import MAX_CHARACTERS
from graph.limits.variables import Uses, check_variables, variable_uses
from tests.unit.graph.api import Api, open_api

SCHEMA = build_schema("type Query { a: Query b: Int }")


def found(rule: type[ValidationRule], document: str) -> list[GraphQLError]:
    return validate(SCHEMA, parse(document), [rule])


@pytest.mark.parametrize(
    ("document", "depth"),
    [
        ("{ b }", 1),
        ("{ a { a { b } } }", 3),
        ("{ a { ... { ... on Query { b } } } }", 2),
        ("{ b a { a { b } } }", 3),
        ("{ a { ...F } } fragment F on Query { a { b } }", 3),
        ("{ ...F } fragment F on Query { a { ...G } } fragment G on Query { b }", 2),
        ("{ __schema { types { name } } }", 0),
        ("{ ...F } fragment F on Query { a { ...F } }", 1),
        ("{ ...Unknown }", 0),
        ("query A { b } query B { a { b } }", 2),
    ],
)
def test_depth(document: str, depth: int) -> None:
    assert found(depth_limit(depth), document) == []
    if depth:
        (error,) = found(depth_limit(depth - 1), document)
        assert error.extensions == {"code": "LIMIT_EXCEEDED"}
        assert f"nested {depth} fields deep, at most {depth - 1}" in error.message


@pytest.mark.parametrize(
    ("document", "count"),
    [
        ("{ b }", 0),
        ("{ x: b y: a { z: b } }", 3),
        ("{ ...F ...F } fragment F on Query { x: b }", 2),
        ("{ a { ...F } ... { y: b } } fragment F on Query { x: b ...G } fragment G on Query { z: b }", 3),
        ("{ ...F } fragment F on Query { x: b ...F }", 1),
    ],
)
def test_aliases(document: str, count: int) -> None:
    assert found(alias_limit(count), document) == []
    if count:
        (error,) = found(alias_limit(count - 1), document)
        assert error.extensions == {"code": "LIMIT_EXCEEDED"}
        assert f"{count} aliases, at most {count - 1}" in error.message


@pytest.mark.parametrize("rule", [depth_limit(5), alias_limit(5)])
def test_fragments_that_double_are_counted_once_each(rule: type[ValidationRule]) -> None:
    fragments = " ".join(f"fragment F{n} on Query {{ x: a {{ ...F{n + 1} ...F{n + 1} }} }}" for n in range(100))
    document = f"{{ ...F0 }} {fragments} fragment F100 on Query {{ x: b }}"
    started = time.perf_counter()
    assert len(found(rule, document)) == 1
    assert time.perf_counter() - started < 1


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Api]:
    async with open_api(
        tmp_path, max_query_depth=4, max_query_aliases=2, max_query_tokens=40, introspection=False
    ) as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ users { edges { node { id } } } }", None),
        ('{ searchUsers(query: "") { edges { highlights { fragments { hit } } } } }', "LIMIT_EXCEEDED"),
        ("{ a: me { id } b: me { id } }", None),
        ("{ a: me { id } b: me { id } c: me { id } }", "LIMIT_EXCEEDED"),
        ("{ me { " + "id " * 35 + "} }", None),
        ("{ me { " + "id " * 36 + "} }", "LIMIT_EXCEEDED"),
        ("{ me { id } } #" + "x" * MAX_CHARACTERS, "LIMIT_EXCEEDED"),
        ("{ __schema { queryType { name } } }", "FORBIDDEN"),
        ('{ __type(name: "User") { name } }', "FORBIDDEN"),
        ("{ __typename }", None),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_limits_of_the_settings(strict: Api, query: str, code: str | None) -> None:
    body = await strict.post(query)
    assert [error["extensions"]["code"] for error in body.get("errors", ())] == ([code] if code else [])


async def test_documents_nested_deeper_than_the_stack(tmp_path: Path) -> None:
    async with open_api(tmp_path, max_query_tokens=100_000) as api:
        for query in ("{ a " * 20_000, "{ users(filter: " + "{not: " * 10_000, "{ users(first: " + "[" * 30_000):
            (error,) = await api.errors(query)
            assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


async def test_the_usual_introspection_is_within_the_limits_of_development(api: Api) -> None:
    data = await api.data(get_introspection_query(input_value_deprecation=True))
    assert any(type["name"] == "User" for type in data["__schema"]["types"])


async def test_limits_hold_for_documents_that_were_cached_by_another_schema(api: Api, tmp_path: Path) -> None:
    query = "{ users { edges { node { id } } } }"
    await api.data(query)
    async with open_api(tmp_path / "other", max_query_depth=2) as other:
        (error,) = await other.errors(query)
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


SUGGESTED = [
    ("{ user(id: 1) { usernam } }", {}),
    ("{ usr(id: 1) { id } }", {}),
    ("{ user(idd: 1) { id } }", {}),
    ("{ me }", {}),
    ("{ node(id: 1) { username } }", {}),
    ("query($f: UserFilte) { users(filter: $f) { totalCount } }", {}),
    ("query($f: UserFilter) { users(filter: $f) { totalCount } }", {"f": {"usernme": {"eq": "a"}}}),
    ("query($f: UserFilter) { users(filter: $f) { totalCount } }", {"f": {"status": {"eq": "ACTIV"}}}),
]


@pytest.mark.parametrize(("query", "variables"), SUGGESTED)
async def test_where_introspection_is_off_no_message_suggests_names(
    api: Api, tmp_path: Path, query: str, variables: dict[str, Any]
) -> None:
    suggesting = await api.errors(query, variables)
    async with open_api(tmp_path / "other", introspection=False) as other:
        silent = await other.errors(query, variables)
    assert "Did you mean" in str(suggesting)
    assert "Did you mean" not in str(silent)
    for told, more in zip(silent, suggesting, strict=True):
        assert more["message"].startswith(told["message"].partition(" Found: ")[0])
        assert told["extensions"] == more["extensions"]


@pytest.mark.parametrize(
    ("document", "uses"),
    [
        ("query($v: Int) { b }", {}),
        ("query($v: Int) { b(i: $v) }", {"v": 1}),
        ("query($v: Int, $w: Int) { x: b(i: $v) a { b(i: $v, o: {l: [$w]}) } }", {"v": 2, "w": 1}),
        ("query($v: Int) { ...F a { ...F } } fragment F on Query { b(i: $v) ...G } fragment G on Query { b(i: $v) }",
         {"v": 4}),
        ("query A($v: Int) { b(i: $v) } query B($v: Int) { x: b(i: $v) y: b(i: $v) }", {"v": 2}),
    ],
)  # fmt: skip
def test_uses_of_variables(document: str, uses: dict[str, int]) -> None:
    assert variable_uses(parse(document)) == uses


@pytest.mark.parametrize(
    ("variables", "uses", "values"),
    [
        (None, {}, 0),
        ({"v": 1}, {"v": 1}, 1),
        ({"v": 1}, {"v": 3}, 3),
        ({"unused": [1, 2]}, {}, 3),
        ({"v": {"and": [{}, {"eq": "x"}]}, "w": [[], None]}, {"v": 2, "w": 1}, 13),
    ],
)
def test_values_of_variables(variables: dict[str, Any] | None, uses: dict[str, int], values: int) -> None:
    check_variables(variables, Uses(uses), values)
    if values:
        with pytest.raises(LimitExceeded, match=f"more than {values - 1} values"):
            check_variables(variables, Uses(uses), values - 1)


async def test_large_variables_cost_nothing_whoever_sends_them(api: Api) -> None:
    fields = " ".join(f"f{n}: users(filter: $f) {{ totalCount }}" for n in range(30))
    document = f"query($f: UserFilter) {{ {fields} }}"
    started = time.process_time()
    for size in (1_000, 100_000):
        (error,) = await api.errors(document, {"f": {"and": [{}] * size}}, scope="")
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert "more than 20000 values" in error["message"]
    assert time.process_time() - started < 2  # seconds of one core; 4 and 150 without the limit


async def test_an_import_of_as_many_rows_as_one_may_have_is_no_large_variable(api: Api) -> None:
    row = {
        "givenName": "g",
        "familyName": "f",
        "locale": "de",
        "timezone": "Europe/Berlin",
        "attributes": {"a": [1, 2]},
    }
    rows = [row | {"username": f"u{n}", "email": f"e{n}@example.org", "externalId": f"x{n}"} for n in range(1_000)]
    document = "mutation($input: ImportUsersInput!) { importUsers(input: $input) { results { outcome } } }"
    data = await api.data(document, {"input": {"by": "USERNAME", "rows": rows}})
    assert {result["outcome"] for result in data["importUsers"]["results"]} == {"CREATED"}
