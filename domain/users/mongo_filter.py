"""Filters, orders and keyset bounds as MongoDB queries: pure, and exactly what filter.py and page.py define.

Strings compare by MongoDB's simple collation, which is the order of code points. A comparison holds only between
values of one BSON type, so an absent value meets none and `true` is not 1.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.users.fields import BY_NAME, Field, Kind
from domain.users.filter import All, AnyOf, Condition, Filter, Not, Operator
from domain.users.model import Status
from domain.users.page import Order, Position, Window

Query = Mapping[str, Any]

EVERYTHING: Query = {}
NOTHING: Query = {"_id": {"$in": []}}
NOT_DELETED: Query = {"status": {"$ne": Status.DELETED.value}}

_SCALAR_TYPES = ("string", "bool", "int", "long", "double")
_GREATEST_NUMBER = 2**53
_LAST_CODE_POINT = "\U0010ffff"
_BEFORE_SURROGATES = "\ud7ff"
_AFTER_SURROGATES = "\ue000"

_COMPARISONS: Mapping[Operator, str] = {
    Operator.EQ: "$eq",
    Operator.IN: "$in",
    Operator.LT: "$lt",
    Operator.LTE: "$lte",
    Operator.GT: "$gt",
    Operator.GTE: "$gte",
}


def stored_name(field: Field) -> str:
    """The name by which documents hold what `field` is compared by."""
    return "_id" if field is BY_NAME["id"] else field.compared


def to_query(filter: Filter) -> Query:
    """The documents whose user meets `filter` (`filter.matches`), tombstones not yet excluded."""
    match filter:
        case All(parts):
            return every([to_query(part) for part in parts])
        case AnyOf(()):
            return NOTHING
        case AnyOf(parts):
            return {"$or": [to_query(part) for part in parts]}
        case Not(part):
            return {"$nor": [to_query(part)]}
        case Condition(field, operator, value, attribute) if field.kind is Kind.OBJECT:
            return _attribute_condition(field, operator, value, attribute)
        case Condition(field, operator, value):
            return {stored_name(field): _test(field, operator, value)}


def every(queries: Sequence[Query]) -> Query:
    """All of `queries` hold."""
    parts = [query for query in queries if query]
    if not parts:
        return EVERYTHING
    return parts[0] if len(parts) == 1 else {"$and": parts}


def prefix_range(prefix: str) -> Query:
    """The strings that begin with `prefix`, as a range: exact for every code point, and served by an index."""
    successor = _successor(prefix)
    return {"$gte": prefix} if successor is None else {"$gte": prefix, "$lt": successor}


def page_query(filter: Filter, order: Order, window: Window) -> Query:
    """The live users that meet `filter` and lie between the bounds of `window`."""
    bounds = []
    if window.after is not None:
        bounds.append(_beyond(order, window.after, forward=True))
    if window.before is not None:
        bounds.append(_beyond(order, window.before, forward=False))
    return every([to_query(filter), NOT_DELETED, *bounds])


def page_sort(order: Order, *, backward: bool) -> list[tuple[str, int]]:
    """The sort in which the window's users come first: a backward window is read from its end."""
    direction = -1 if order.descending is not backward else 1
    name = stored_name(order.field)
    return [("_id", direction)] if name == "_id" else [(name, direction), ("_id", direction)]


def _test(field: Field, operator: Operator, value: Any) -> Query:
    if operator is Operator.EXISTS:
        return {"$exists": value}
    if operator is Operator.STARTS_WITH:
        # On a list each bound alone could be met by another element.
        return {"$elemMatch": prefix_range(value)} if field.kind is Kind.TEXTS else prefix_range(value)
    return {_COMPARISONS[operator]: list(value) if operator is Operator.IN else value}


def _attribute_condition(field: Field, operator: Operator, value: Any, attribute: str | None) -> Query:
    """A test of a top-level attribute, which holds for scalars only: MongoDB would look into lists as well."""
    if attribute is None or not _is_attribute_key(attribute):
        return EVERYTHING if (operator, value) == (Operator.EXISTS, False) else NOTHING
    path = f"{field.name}.{attribute}"
    no_list = {path: {"$not": {"$type": "array"}}}
    if operator is not Operator.EXISTS:
        return every([{path: _test(field, operator, value)}, no_list])
    too_great = [{path: {"$gt": _GREATEST_NUMBER}}, {path: {"$lt": -_GREATEST_NUMBER}}]
    scalar = every([{path: {"$type": list(_SCALAR_TYPES)}}, no_list, {"$nor": too_great}])
    return scalar if value else {"$nor": [scalar]}


def _is_attribute_key(key: str) -> bool:
    """Whether a document can have the attribute: other keys would be paths or operators."""
    return "." not in key and not key.startswith("$")


def _beyond(order: Order, position: Position, *, forward: bool) -> Query:
    """What comes after `position` in the list, or before it if not `forward`."""
    ascending = order.descending is not forward
    operator = "$gt" if ascending else "$lt"
    tie: Query = {"_id": {operator: position.id}}
    name = stored_name(order.field)
    if name == "_id":
        return tie
    absent = {name: {"$exists": False}}
    if position.value is None:
        tied = {**absent, **tie}
        return {"$or": [{name: {"$exists": True}}, tied]} if ascending else tied
    parts: list[Query] = [{name: {operator: position.value}}, {name: position.value, **tie}]
    return {"$or": parts if ascending else [*parts, absent]}


def _successor(prefix: str) -> str | None:
    """The least string greater than all that begin with `prefix`; None if there is none."""
    head = prefix.rstrip(_LAST_CODE_POINT)
    if not head:
        return None
    last = head[-1]
    following = _AFTER_SURROGATES if last == _BEFORE_SURROGATES else chr(ord(last) + 1)
    return head[:-1] + following
