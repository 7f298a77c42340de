"""Every operation that the schema allows, with values of one's choice: a new one is there by itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)
from strawberry.schema_directives import OneOf

from domain.settings import Settings
from graph.schema import build_schema

SELECTED_DEPTH = 5
SCHEMA: GraphQLSchema = build_schema(Settings())._schema

Values = Mapping[str, Sequence[Any]]
"""Scalar's name → what to try for it; the first is the one to fill up with."""


def roots() -> Iterator[tuple[str, str]]:
    """(`query` or `mutation`, name) of every root field."""
    for kind, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
        assert root is not None
        yield from ((kind, name) for name in root.fields)


def operations(kind: str, name: str, values: Values) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Documents and variables: the least that the field needs, then with each single value more, then with all."""
    field = _root(kind).fields[name]
    declared = ", ".join(f"${argument}: {given.type}" for argument, given in field.args.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    text = f"{kind} {_in_brackets(declared)} {{ {name}{_in_brackets(passed)} {_selection(field, SCHEMA)} }}"
    types = {argument: given.type for argument, given in field.args.items()}
    required = {argument for argument, given in field.args.items() if is_required_argument(given)}
    for variables in _objects(types, required, values, ()):
        yield text, variables


def _root(kind: str) -> GraphQLObjectType:
    root = SCHEMA.query_type if kind == "query" else SCHEMA.mutation_type
    assert root is not None
    return root


def _in_brackets(text: str) -> str:
    return f"({text})" if text else ""


def _objects(
    types: Mapping[str, GraphQLInputType], required: set[str], values: Values, within: tuple[str, ...]
) -> Iterator[Mapping[str, Any]]:
    """The least, each variation of one member beside the least, and the first variation of every member at once."""
    variations = {name: list(_variations(type, values, within)) for name, type in types.items()}
    least = {name: variations[name][0] for name in required}
    yield least
    for name, each in variations.items():
        yield from (least | {name: value} for value in each)
    yield {name: each[0] for name, each in variations.items() if each}


def _variations(type: GraphQLInputType, values: Values, within: tuple[str, ...]) -> Iterator[Any]:
    """Every value to try for a type; none for an input within itself, twice removed."""
    match type:
        case GraphQLNonNull():
            yield from _variations(type.of_type, values, within)
        case GraphQLList():
            each = list(_variations(type.of_type, values, within))
            yield from ([value] for value in each)
        case GraphQLEnumType():
            yield from type.values
        case GraphQLInputObjectType() if within.count(type.name) < 2:
            yield from _inputs(type, values, (*within, type.name))
        case GraphQLInputObjectType():
            return
        case _:
            yield from values[type.name]


def _inputs(type: GraphQLInputObjectType, values: Values, within: tuple[str, ...]) -> Iterator[Any]:
    types = {name: field.type for name, field in type.fields.items()}
    if any(isinstance(directive, OneOf) for directive in type.extensions["strawberry-definition"].directives):
        for name, member in types.items():
            yield from ({name: value} for value in _variations(member, values, within))
        return
    required = {name for name, field in type.fields.items() if is_required_input_field(field)}
    found = _objects(types, required, values, within)
    # Within itself an input only repeats what it holds: all at once will do.
    yield from [list(found)[-1]] if within.count(type.name) > 1 else found


def _selection(field: GraphQLField, schema: GraphQLSchema) -> str:
    return _fields(get_named_type(field.type), schema, SELECTED_DEPTH)


def _fields(type: GraphQLNamedType | GraphQLOutputType, schema: GraphQLSchema, depth: int) -> str:
    match type:
        case GraphQLObjectType():
            parts = [_member(name, field, schema, depth) for name, field in type.fields.items()]
            return f"{{ __typename {' '.join(parts)} }}"
        case GraphQLInterfaceType() | GraphQLUnionType():
            kinds = schema.get_possible_types(type)
            parts = [f"... on {kind.name} {_fields(kind, schema, depth)}" for kind in kinds]
            return f"{{ __typename {' '.join(parts)} }}"
    return ""


def _member(name: str, field: GraphQLField, schema: GraphQLSchema, depth: int) -> str:
    """A field of a selection; nothing where it needs arguments or lies too deep."""
    inner = get_named_type(field.type)
    is_leaf = not isinstance(inner, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
    if any(map(is_required_argument, field.args.values())) or (not is_leaf and depth == 0):
        return ""
    return f"{name} {_fields(inner, schema, depth - 1)}"
