"""Filters and windows as SQL: pure functions from their shapes to conditions and parameters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from domain.clock import to_milliseconds
from domain.users.fields import Field, Kind
from domain.users.filter import All, AnyOf, Condition, Filter, Not, Operator
from domain.users.page import Order, Position, Window

_LAST_CHARACTER = "\U0010ffff"
_SYMBOLS = {
    Operator.EQ: "=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
}
_NUMBER = "(type IN ('integer', 'real') AND abs(value) <= 9007199254740992)"
_SCALAR = f"(type IN ('text', 'true', 'false') OR {_NUMBER})"


@dataclass(frozen=True, slots=True)
class Sql:
    """A condition and the values of its question marks. Where it is NULL, it does not hold."""

    text: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of an ordered list that one index range holds: its condition and its ORDER BY."""

    where: Sql
    order_by: str


def to_sql(filter: Filter) -> Sql:
    """The condition that holds just where `filter.matches` does.

    AND and OR of conditions of which some are NULL are true just when they would be with false instead; only
    a negation tells the two apart, so it alone asks IS NOT TRUE, and the rest keeps the shapes that indexes serve.
    """
    match filter:
        case All(parts):
            return _joined(" AND ", [to_sql(part) for part in parts], nothing="TRUE")
        case AnyOf(parts):
            return _joined(" OR ", [to_sql(part) for part in parts], nothing="FALSE")
        case Not(part):
            negated = to_sql(part)
            return Sql(f"({negated.text}) IS NOT TRUE", negated.values)
        case Condition():
            return _condition(filter)


def segments(order: Order, window: Window) -> Sequence[Segment]:
    """The segments of a window in reading order: the absent values are one, the others the next.

    A single range over both would read all absent values again for every page among them.
    """
    reversed_ = order.descending != window.backward
    low, high = (window.before, window.after) if order.descending else (window.after, window.before)
    found = [*_absent(order.field, low, high, reversed_), *_present(order.field, low, high, reversed_)]
    return found[::-1] if reversed_ else found


def _joined(operator: str, parts: Sequence[Sql], *, nothing: str) -> Sql:
    if not parts:
        return Sql(nothing)
    text = operator.join(part.text for part in parts)
    return Sql(f"({text})", tuple(value for part in parts for value in part.values))


def _condition(condition: Condition) -> Sql:
    field, operator, wanted = condition.field, condition.operator, condition.value
    if field.kind is Kind.OBJECT:
        return _attribute(condition)
    column = f'"{field.compared}"'
    if operator is Operator.EXISTS:
        return Sql(f"{column} IS NOT NULL" if wanted else f"{column} IS NULL")
    if field.kind is Kind.TEXTS:
        test = _comparison("value", operator, wanted)
        return Sql(f"EXISTS (SELECT 1 FROM json_each({column}) WHERE {test.text})", test.values)
    # Few statuses, many users each: the plus keeps the planner from an index that would then need a sort.
    return _comparison(f"+{column}" if field.kind is Kind.STATUS else column, operator, wanted)


def _comparison(column: str, operator: Operator, wanted: Any) -> Sql:
    if operator is Operator.IN:
        return Sql(f"{column} IN ({', '.join('?' * len(wanted))})", tuple(map(_plain, wanted)))
    if operator is Operator.STARTS_WITH:
        return _starts_with(column, wanted)
    return Sql(f"{column} {_SYMBOLS[operator]} ?", (_plain(wanted),))


def _starts_with(column: str, prefix: str) -> Sql:
    """A range, as texts compare by code point: LIKE and GLOB have wildcards, and LIKE folds."""
    beyond = successor(prefix)
    if beyond is None:
        return Sql(f"{column} >= ?", (prefix,))
    return Sql(f"({column} >= ? AND {column} < ?)", (prefix, beyond))


def successor(prefix: str) -> str | None:
    """The first text after all that begin with `prefix`; None if there is none."""
    stem = prefix.rstrip(_LAST_CHARACTER)
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)


def _attribute(condition: Condition) -> Sql:
    """A test of the top-level scalar under a key; `type` keeps true apart from 1."""
    match condition.operator:
        case Operator.EXISTS:
            test = Sql(_SCALAR)
        case Operator.IN:
            test = _joined(" OR ", [_same_scalar(value) for value in condition.value], nothing="FALSE")
        case _:
            test = _same_scalar(condition.value)
    negated = "NOT " if condition.operator is Operator.EXISTS and not condition.value else ""
    text = f'{negated}EXISTS (SELECT 1 FROM json_each("{condition.field.name}") WHERE key = ? AND {test.text})'
    return Sql(text, (condition.attribute, *test.values))


def _same_scalar(wanted: Any) -> Sql:
    match wanted:
        case bool():
            return Sql(f"type = '{'true' if wanted else 'false'}'")
        case str():
            return Sql("(type = 'text' AND value = ?)", (wanted,))
        case _:
            # Read by the same parser as the stored number: SQLite's last digit is not always Python's.
            return Sql(f"({_NUMBER} AND value = json_extract(?, '$'))", (orjson.dumps(wanted).decode(),))


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return to_milliseconds(value)
        case bool():
            return int(value)
        case _:
            return value


def _absent(field: Field, low: Position | None, high: Position | None, reversed_: bool) -> Iterator[Segment]:
    """Absent values come first, by id: a lower bound with a value is beyond them all."""
    if field.required or (low is not None and low.value is not None):
        return
    parts = [Sql(f'"{field.compared}" IS NULL')]
    if low is not None:
        parts.append(Sql("id > ?", (low.id,)))
    if high is not None and high.value is None:
        parts.append(Sql("id < ?", (high.id,)))
    yield Segment(_joined(" AND ", parts, nothing="TRUE"), "id DESC" if reversed_ else "id")


def _present(field: Field, low: Position | None, high: Position | None, reversed_: bool) -> Iterator[Segment]:
    if high is not None and high.value is None:
        return
    column = f'"{field.compared}"'
    parts = [] if field.required else [Sql(f"{column} IS NOT NULL")]
    if low is not None and low.value is not None:
        parts.append(_beyond(field, ">", low))
    if high is not None:
        parts.append(_beyond(field, "<", high))
    way = " DESC" if reversed_ else ""
    # Present values of a unique field never tie; without the id its unique index serves the order.
    ties = "" if field.unique or field.name == "id" else f", id{way}"
    yield Segment(_joined(" AND ", parts, nothing="TRUE"), f"{column}{way}{ties}")


def _beyond(field: Field, symbol: str, bound: Position) -> Sql:
    if field.name == "id":
        return Sql(f"id {symbol} ?", (bound.id,))
    return Sql(f'("{field.compared}", id) {symbol} (?, ?)', (_plain(bound.value), bound.id))
