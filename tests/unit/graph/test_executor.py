"""The short way through execution gives what graphql-core gives, errors and their paths included."""

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Optional

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLResolveInfo
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.extensions import SchemaExtension
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graph.executor import Executor


@strawberry.enum
class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.interface
class Named:
    name: str | None


@strawberry.type
class Stone:
    weight: int


@strawberry.type
class Leaf(Named):
    id: strawberry.ID
    text: str
    note: str | None
    number: int
    maybe_number: int | None
    yes: bool
    ratio: float
    color: Color
    maybe_color: Color | None
    at: datetime
    json: JSON
    tags: list[str]
    holes: list[list[int | None]] | None
    stone: Stone
    child: Optional["Leaf"]
    children: list["Leaf"]
    maybe_children: list[Optional["Leaf"]] | None
    named: Named | None

    @strawberry.field
    def resolved(self) -> str:
        return f"{self.text}!"

    @strawberry.field
    async def awaited(self) -> int:
        return self.number


@strawberry.type
class Query:
    leaf: Leaf | None
    leaves: list[Leaf]


class Counting(Executor):
    """Counts the fields for which graphql-core prepares a resolver."""

    prepared = 0

    def build_resolve_info(self, *args: Any) -> GraphQLResolveInfo[Any]:
        type(self).prepared += 1
        return super().build_resolve_info(*args)


def _schema(executor: type[StrawberryGraphQLCoreExecutionContext], *extensions: type[SchemaExtension]) -> Any:
    config = StrawberryConfig(auto_camel_case=False)
    return strawberry.Schema(
        Query, types=[Leaf], config=config, execution_context_class=executor, extensions=list(extensions)
    )


OURS, THEIRS, COUNTED = _schema(Executor), _schema(StrawberryGraphQLCoreExecutionContext), _schema(Counting)


def _leaf(**values: Any) -> Leaf:
    given = {
        "name": "n",
        "id": strawberry.ID("1"),
        "text": "t",
        "note": None,
        "number": 1,
        "maybe_number": None,
        "yes": True,
        "ratio": 0.5,
        "color": Color.RED,
        "maybe_color": None,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "json": {"a": [1]},
        "tags": ["x"],
        "holes": [[1, None]],
        "stone": Stone(weight=3),
        "child": None,
        "children": [],
        "maybe_children": None,
        "named": None,
    }
    return Leaf(**(given | values))


NAMES = tuple(field for field in Leaf.__annotations__ if field != "name")
TEXT = type("Text", (str,), {})


class Once:
    """A list that can be read once."""

    def __init__(self) -> None:
        self._items = iter(["a"])

    def __iter__(self) -> Iterator[str]:
        return self._items

    def __repr__(self) -> str:
        return "once"


ODD: Sequence[Callable[[], Any]] = [
    *(partial(int, n) for n in (2**31, -(2**31) - 1, 2**31 - 1, -(2**31), 0)),
    *(partial(list, items) for items in ([], ["a", None], [[1]], [[2**31]], [Color.RED], [None])),
    *(partial(Stone, weight=weight) for weight in (1, 2**40)),
    *(partial(float, text) for text in ("1.5", "inf", "nan")),
    *(lambda value=value: value for value in (None, True, "text", "RED", Color.BLUE, ("b",), {"k": "v"}, TEXT("s"))),
    partial(ValueError, "stored"),
    Once,
]
"""Makers of values, most of which do not fit a field; some can be read only once."""

LEAVES = st.recursive(
    st.builds(_leaf),
    lambda inner: st.builds(
        lambda odd, child, children, maybe, named: _leaf(
            **({"child": child, "children": children, "maybe_children": maybe, "named": named} | odd)
        ),
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from(ODD).map(lambda make: make()), max_size=2),
        st.none() | inner,
        st.lists(inner, max_size=2),
        st.none() | st.lists(st.none() | inner, max_size=3).map(tuple),
        st.none() | inner | st.just(Stone(weight=1)),
    ),
    max_leaves=6,
)

SCALARS = ("name", "id", "text", "note", "number", "maybe_number", "yes", "ratio", "color", "maybe_color", "at", "json")
PLAIN = st.sampled_from([*SCALARS, "tags", "holes", "stone { weight }", "__typename", "stone { __typename weight }"])
CONDITIONS = st.sampled_from(["", " @include(if: true)", " @skip(if: true)", " @skip(if: $yes)", " @include(if: $yes)"])
FIELDS = (
    PLAIN
    | st.sampled_from(["resolved", "awaited", "...Part", "... on Named { name }", "... on Leaf { text yes }"])
    | st.builds("a{}: {}{}".format, st.integers(0, 10**6), st.sampled_from(SCALARS), CONDITIONS)
)
SELECTIONS = st.recursive(
    st.lists(FIELDS, min_size=1, max_size=5),
    lambda inner: st.builds(
        lambda fields, nested: [*fields, *(f"{name} {{ {' '.join(selected)} }}" for name, selected in nested.items())],
        st.lists(FIELDS, max_size=3),
        st.dictionaries(st.sampled_from(["child", "children", "maybe_children"]), inner, min_size=1, max_size=2)
        | st.just({"named": ["name", "__typename", "... on Leaf { text number }"]}),
    ),
    max_leaves=4,
)


async def _run(schema: Any, document: str, root: Query, **variables: Any) -> Mapping[str, Any]:
    result: ExecutionResult = await schema.execute(document, variables, root_value=root)
    return {"data": result.data, "errors": [error.formatted for error in result.errors or ()]}


def _document(selected: list[str]) -> str:
    part = "fragment Part on Leaf { id aliased: number child { text } }"
    fields = " ".join(selected)
    return f"query($yes: Boolean = true) {{ leaf {{ {fields} }} leaves {{ {fields} }} __typename }} {part}"


SUBSELECTIONS = dict.fromkeys(("child", "children", "maybe_children"), " { id number }")
SUBSELECTIONS |= {"stone": " { weight }", "named": " { name __typename }"}


@pytest.mark.parametrize("name", NAMES)
async def test_every_value_of_every_field(name: str) -> None:
    document = (
        f"{{ leaf {{ id {name}{SUBSELECTIONS.get(name, '')} }} leaves {{ {name}{SUBSELECTIONS.get(name, '')} }} }}"
    )
    makers: Sequence[Callable[[], Any]] = [_leaf, lambda: [_leaf(), None], lambda: (_leaf(number=2**31), _leaf())]
    for make in [*ODD, *makers]:
        ours, theirs = [
            await _run(schema, document, Query(leaf=_leaf(**{name: make()}), leaves=[_leaf(), _leaf(**{name: make()})]))
            for schema in (OURS, THEIRS)
        ]
        assert repr(ours) == repr(theirs)  # nan is not itself, and True is 1


@settings(max_examples=200, deadline=None)
@given(leaf=st.none() | LEAVES, leaves=st.lists(LEAVES, max_size=3), selected=SELECTIONS, yes=st.booleans())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
async def test_any_selection_of_any_values(
    leaf: Leaf | None, leaves: list[Leaf], selected: list[str], yes: bool
) -> None:
    if "...Part" not in str(selected):
        selected = [*selected, "...Part"]
    document, root = _document(selected), Query(leaf=leaf, leaves=leaves)
    assert await _run(OURS, document, root, yes=yes) == await _run(THEIRS, document, root, yes=yes)


async def test_stored_values_need_no_resolver() -> None:
    leaf = _leaf(child=_leaf(), children=[_leaf(), _leaf()])
    Counting.prepared = 0
    document = "{ leaf { id note stone { weight } child { text at } children { color tags __typename } } }"
    result = await _run(COUNTED, document, Query(leaf=leaf, leaves=[]))
    assert result == {
        "data": {
            "leaf": {
                "id": "1",
                "note": None,
                "stone": {"weight": 3},
                "child": {"text": "t", "at": "2026-01-01T00:00:00+00:00"},
                "children": [{"color": "RED", "tags": ["x"], "__typename": "Leaf"}] * 2,
            }
        },
        "errors": [],
    }
    assert Counting.prepared == 0


async def test_a_resolver_is_called_once_beside_what_is_stored() -> None:
    Counting.prepared = 0
    result = await _run(COUNTED, "{ leaves { id resolved } }", Query(leaf=None, leaves=[_leaf(), _leaf(text="u")]))
    assert result["data"] == {"leaves": [{"id": "1", "resolved": "t!"}, {"id": "1", "resolved": "u!"}]}
    assert Counting.prepared == 5


@pytest.mark.parametrize("name", ["text", "json", "at"])
async def test_a_value_that_is_awaited(name: str) -> None:
    async def later() -> Any:
        return getattr(_leaf(), name)

    for schema in (OURS, THEIRS):
        awaited, stored = [
            await _run(schema, f"{{ leaf {{ {name} }} }}", Query(leaf=leaf, leaves=[]))
            for leaf in (_leaf(**{name: later()}), _leaf())
        ]
        assert awaited == stored


async def test_an_extension_sees_every_field() -> None:
    seen: list[str] = []

    class Seeing(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(info.field_name)
            return _next(root, info, *args, **kwargs)

    await _run(_schema(Executor, Seeing), "{ leaf { id text } }", Query(leaf=_leaf(), leaves=[]))
    assert seen == ["leaf", "id", "text"]
