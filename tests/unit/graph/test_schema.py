"""The public names: recorded, and true to the field table."""

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, get_named_type, parse, validate

from domain.settings import Settings
from domain.users.fields import FIELDS, WRITABLE, Field, Kind
from domain.users.filter import OPERATORS, Operator
from graph.__main__ import SDL_FILE
from graph.graphiql.examples import Example, load_examples
from graph.schema import build_schema, sdl

SCHEMA = build_schema(Settings.model_construct()).core

OUTPUT = {
    Kind.TEXT: "String",
    Kind.BOOLEAN: "Boolean",
    Kind.INTEGER: "Int!",
    Kind.TIME: "DateTime!",
    Kind.STATUS: "UserStatus!",
    Kind.TEXTS: "[String!]!",
    Kind.OBJECT: "JSON!",
}
INPUT = {Kind.TEXT: "String", Kind.BOOLEAN: "Boolean", Kind.TEXTS: "[String!]", Kind.OBJECT: "JSON"}


def _type(name: str) -> GraphQLObjectType:
    found = SCHEMA.type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def _input(name: str) -> GraphQLInputObjectType:
    found = SCHEMA.type_map[name]
    assert isinstance(found, GraphQLInputObjectType)
    return found


def _enum_values(name: str) -> set[str]:
    found = SCHEMA.type_map[name]
    assert isinstance(found, GraphQLEnumType)
    return set(found.values)


def _upper(field: Field) -> str:
    return field.attribute.upper()


def test_the_recorded_schema_is_the_served_one() -> None:
    assert SDL_FILE.read_text(encoding="utf-8") == sdl(), "run `python -m graph schema > graph/schema.graphql`"


def test_a_user_has_the_fields_of_the_table() -> None:
    expected = {field.name: OUTPUT[field.kind] for field in FIELDS} | {"id": "ID!", "username": "String!"}
    assert {name: str(field.type) for name, field in _type("User").fields.items()} == expected


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("CreateUserInput", {"username": "String!"}),
        ("UpdateUserInput", {"id": "ID!", "expectedVersion": "Int"}),
        ("ImportUserRow", {}),
    ],
)
def test_an_input_has_the_writable_fields(name: str, more: dict[str, str]) -> None:
    expected = {field.name: INPUT[field.kind] for field in WRITABLE} | more
    assert {name: str(field.type) for name, field in _input(name).fields.items()} == expected


def test_no_input_says_null_where_it_means_absent() -> None:
    assert "= null" not in sdl()


@pytest.mark.parametrize("field", [field for field in FIELDS if field.filterable], ids=lambda field: field.name)
def test_a_filter_has_the_operators_of_its_field(field: Field) -> None:
    operators = {operator.value for operator in OPERATORS[field.kind]}
    if Operator.EQ in OPERATORS[field.kind]:
        operators.add("ne")
    if field.kind is Kind.OBJECT:
        operators.add("key")
    given = get_named_type(_input("UserFilter").fields[field.name].type)
    assert isinstance(given, GraphQLInputObjectType)
    assert set(given.fields) == operators


def test_filters_orders_and_facets_are_those_of_the_table() -> None:
    assert set(_input("UserFilter").fields) == {"and", "or", "not"} | {f.name for f in FIELDS if f.filterable}
    assert _enum_values("UserOrderField") == {_upper(field) for field in FIELDS if field.sortable}
    assert _enum_values("UserFacet") == {_upper(field) for field in FIELDS if field.facetable}
    unique = {field.name for field in FIELDS if field.unique}
    assert set(_input("UserKey").fields) == unique
    assert "input UserKey @oneOf" in sdl()


def test_the_fields_of_a_root_can_fail_alone() -> None:
    nullable = {
        name
        for root in ("Query", "Mutation")
        for name, field in _type(root).fields.items()
        if not str(field.type).endswith("!")
    }
    assert nullable == {*_type("Query").fields, *_type("Mutation").fields} - {"serviceInfo", "_service", "_entities"}


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.query.splitlines()[0])
def test_the_examples_of_the_page_are_valid(example: Example) -> None:
    assert validate(SCHEMA, parse(example.query)) == []
