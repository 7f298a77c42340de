"""Filters: their shape, how one is read from a client's input, and what one means.

`matches` is the definition that every store and search engine is held against: two-valued logic, in which an
absent value fails every operator except `ne`, `not` and `exists: false`. On a list an operator holds if one
element meets it; `ne` is `not eq`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.clock import whole_milliseconds
from domain.errors import BadInput
from domain.users.fields import BY_NAME, Field, Kind, Unique
from domain.users.keys import fold, is_storable, key
from domain.users.model import User

MAX_DEPTH = 10
MAX_CONDITIONS = 100
"""An empty mapping or list is one as well: with MAX_DEPTH this bounds all that an engine is asked."""

MAX_VALUES = 100
MAX_TEXT = 256


class Operator(StrEnum):
    EQ = "eq"
    IN = "in"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    STARTS_WITH = "startsWith"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one field; on `attributes`, on its top-level scalar `attribute`.

    `value` is what stores compare with: a key for folded fields, an aware datetime in whole milliseconds for
    times, a tuple for IN, a bool for EXISTS.
    """

    field: Field
    operator: Operator
    value: Any
    attribute: str | None = None


@dataclass(frozen=True, slots=True)
class All:
    """Holds if every part does: All(()) is true."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds if one part does: AnyOf(()) is false."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Filter"


Filter = Condition | All | AnyOf | Not

EVERYONE: Filter = All(())

_ORDERED = frozenset({Operator.LT, Operator.LTE, Operator.GT, Operator.GTE})
_SAME = frozenset({Operator.EQ, Operator.IN, Operator.EXISTS})

OPERATORS: Mapping[Kind, frozenset[Operator]] = {
    Kind.TEXT: _SAME | {Operator.STARTS_WITH},
    Kind.TEXTS: _SAME | {Operator.STARTS_WITH},
    Kind.BOOLEAN: frozenset({Operator.EQ, Operator.EXISTS}),
    Kind.INTEGER: _SAME | _ORDERED,
    Kind.TIME: _SAME | _ORDERED,
    Kind.STATUS: frozenset({Operator.EQ, Operator.IN}),
    Kind.OBJECT: _SAME,
}
"""What each kind of field can be asked; `ne` is there wherever `eq` is."""


def parse(raw: Mapping[str, Any] | None) -> Filter:
    """The filter of a client's input: `{"and": [..], "or": [..], "not": {..}, "username": {"eq": ".."}, ..}`.

    All entries of one mapping must hold. `attributes` is a list of `{"key": .., "eq" | "ne" | "in" | "exists": ..}`.
    Raises BadInput for unknown fields, operators and values, and for a filter that is too deep or too large.
    """
    return EVERYONE if raw is None else _Parser().read(raw, 1)


class _Parser:
    def __init__(self) -> None:
        self.conditions = 0

    def read(self, raw: Mapping[str, Any], depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise BadInput(f"The filter is nested deeper than {MAX_DEPTH} levels: flatten it.", field="filter")
        parts: list[Filter] = []
        before = self.conditions
        for name, value in raw.items():
            match name:
                case "and":
                    parts.append(All(tuple(self.read(part, depth + 1) for part in value)))
                case "or":
                    parts.append(AnyOf(tuple(self.read(part, depth + 1) for part in value)))
                case "not":
                    parts.append(Not(self.read(value, depth + 1)))
                case "attributes":
                    for entry in value:
                        parts.extend(self._operators(BY_NAME[name], entry, attribute=_attribute_key(entry)))
                case _:
                    parts.extend(self._operators(_filterable(name), value, attribute=None))
        if self.conditions == before:
            self._count()
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _operators(self, field: Field, raw: Mapping[str, Any], *, attribute: str | None) -> Iterable[Filter]:
        for name, value in raw.items():
            if name == "key" and attribute is not None:
                continue
            self._count()
            if value is None:
                raise BadInput(f"{field.name}.{name} is null: use exists to ask for absence.", field="filter")
            if name == "ne":
                yield Not(_condition(field, Operator.EQ, value, attribute))
            else:
                yield _condition(field, _operator(field, name), value, attribute)

    def _count(self) -> None:
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise BadInput(f"The filter has more than {MAX_CONDITIONS} conditions.", field="filter")


def _filterable(name: str) -> Field:
    field = BY_NAME.get(name)
    if field is None or not field.filterable:
        raise BadInput(f"Users cannot be filtered by {name!r}.", field="filter")
    return field


def _attribute_key(entry: Mapping[str, Any]) -> str:
    key = entry.get("key")
    if not isinstance(key, str) or not key or not is_text(key):
        raise BadInput("A filter on attributes needs the key of an attribute.", field="filter")
    return key


def _operator(field: Field, name: str) -> Operator:
    allowed = OPERATORS[field.kind]
    if name not in allowed:
        known = ", ".join(sorted({*allowed, "ne"} if Operator.EQ in allowed else allowed))
        raise BadInput(f"{field.name} has no operator {name!r}: use one of {known}.", field="filter")
    return Operator(name)


def _condition(field: Field, operator: Operator, value: Any, attribute: str | None) -> Condition:
    if operator is Operator.EXISTS:
        if not isinstance(value, bool):
            raise BadInput(f"{field.name}.exists takes true or false.", field="filter")
        return Condition(field, operator, value, attribute)
    if operator is Operator.IN:
        if not isinstance(value, (list, tuple)) or len(value) > MAX_VALUES:
            raise BadInput(f"{field.name}.in takes a list of at most {MAX_VALUES} values.", field="filter")
        return Condition(field, operator, tuple(_value(field, item) for item in value), attribute)
    return Condition(field, operator, _value(field, value), attribute)


def _value(field: Field, value: Any) -> Any:
    """A value as stores compare it. Raises BadInput if it is not of the field's kind."""
    valid = False
    match field.kind:
        case Kind.TEXT | Kind.TEXTS | Kind.STATUS:
            valid = is_text(value)
            if valid:
                value = key(field, value)
        case Kind.BOOLEAN:
            valid = isinstance(value, bool)
        case Kind.INTEGER:
            valid = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53
        case Kind.TIME:
            valid = isinstance(value, datetime) and value.tzinfo is not None
            if valid:
                value = whole_milliseconds(value)
        case Kind.OBJECT:
            valid = is_scalar(value) and (not isinstance(value, str) or is_text(value))
    if not valid:
        raise BadInput(f"A filter on {field.name} got a value that {field.name} cannot have.", field="filter")
    return value


def is_text(value: Any) -> bool:
    """Text that a store can be asked for: lone surrogates and NUL are in no stored value and break drivers."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and is_storable(value)


def is_scalar(value: Any) -> bool:
    """A JSON scalar an attribute can be compared with: text, boolean, or a number within 2^53."""
    if isinstance(value, (str, bool)):
        return True
    return isinstance(value, (int, float)) and abs(value) <= 2**53


def same_scalar(one: Any, other: Any) -> bool:
    """JSON equality of scalars: true is not 1, but 1 is 1.0."""
    return (
        isinstance(one, bool) == isinstance(other, bool)
        and isinstance(one, str) == isinstance(other, str)
        and one == other
    )


def compared_values(field: Field, user: User, attribute: str | None = None) -> tuple[Any, ...]:
    """What `field` of `user` is compared by: no value if absent, several in a list."""
    value = getattr(user, field.attribute)
    if field.kind is Kind.OBJECT:
        found = user.attributes.get(attribute) if attribute is not None else None
        return (found,) if is_scalar(found) else ()
    if field.kind is Kind.TEXTS:
        return tuple(value)
    if value is None:
        return ()
    return (fold(value),) if field.unique is Unique.FOLDED else (value,)


_TESTS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: same_scalar,
    Operator.IN: lambda value, wanted: any(same_scalar(value, one) for one in wanted),
    Operator.LT: lambda value, bound: bool(value < bound),
    Operator.LTE: lambda value, bound: bool(value <= bound),
    Operator.GT: lambda value, bound: bool(value > bound),
    Operator.GTE: lambda value, bound: bool(value >= bound),
    Operator.STARTS_WITH: lambda value, prefix: bool(value.startswith(prefix)),
}


def matches(filter: Filter, user: User) -> bool:
    """Whether `user` meets `filter`: the definition."""
    match filter:
        case All(parts):
            return all(matches(part, user) for part in parts)
        case AnyOf(parts):
            return any(matches(part, user) for part in parts)
        case Not(part):
            return not matches(part, user)
        case Condition(field, Operator.EXISTS, wanted, attribute):
            return bool(compared_values(field, user, attribute)) is wanted
        case Condition(field, operator, wanted, attribute):
            test = _TESTS[operator]
            return any(test(value, wanted) for value in compared_values(field, user, attribute))
