"""Plans and filters as tantivy queries: pure functions of a schema.

tantivy orders equal scores by where a document lies. To order them by id, a page that ends within a long tie is
filled by a query for exactly that score; such a query, and one for all of at least a score, are built here from
what each word can score.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import tantivy
from tantivy import Occur, Query

from domain.clock import to_milliseconds
from domain.search.document import attribute_key_term, attribute_term
from domain.search.query import KEY_SCORE, KEYS, Clause, Match, Plan
from domain.search.tantivy_schema import ATTRIBUTES, HIGH, ID, LOW, PRESENT, boolean_term, halves, tokens_field
from domain.users.fields import Field, Kind
from domain.users.filter import All, AnyOf, Condition, Filter, Not, Operator

Level = dict[int, list[Query]]
"""A word's clauses by what they score."""

MAX_COMBINATIONS = 40
"""Beyond so many ways to reach a score, reading all hits is cheaper than asking for exactly that score."""


class PlanQuery:
    """The queries of one plan under one filter."""

    def __init__(self, schema: tantivy.Schema, plan: Plan, filter: Filter) -> None:
        self._filter = filter_query(schema, filter)
        self._levels = [_level(schema, word.text, word.clauses) for word in plan.words]
        self._key = _any([_term(schema, field.compared, plan.key) for field in KEYS if plan.key])

    @property
    def scored(self) -> Query:
        """All hits: a word scores its best clause, words are summed, a key scores more, the filter scores nothing."""
        ways = [Query.const_score_query(self._key, float(KEY_SCORE))]
        words = [
            Query.disjunction_max_query(
                [Query.const_score_query(query, float(score)) for score, found in level.items() for query in found]
            )
            for level in self._levels
        ]
        if words:
            ways.append(_all(words))
        return _all([Query.disjunction_max_query(ways), self._unscored])

    def exactly(self, score: int) -> Query | None:
        """Those that score exactly `score`; None if there are too many ways to do so."""
        if score == KEY_SCORE:
            return both(self._key, self._unscored)
        ways = _ways(self._levels, score)
        if ways is None:
            return None
        return without(_any([self._way(way) for way in ways]), self._key)

    def at_least(self, score: int) -> Query | None:
        """Those that score `score` or more; None if there are too many ways to do so."""
        bounds = _bounds(self._levels, score)
        if bounds is None:
            return None
        enough = [
            _all([_above(level, value - 1) for level, value in zip(self._levels, bound, strict=True)])
            for bound in bounds
        ]
        return _any([*enough, self._key] if score <= KEY_SCORE else enough)

    @property
    def _unscored(self) -> Query:
        return Query.const_score_query(self._filter, 0.0)

    def _way(self, way: Sequence[int]) -> Query:
        parts: list[tuple[Occur, Query]] = [(Occur.Must, self._unscored)]
        for level, value in zip(self._levels, way, strict=True):
            parts.append((Occur.Must, _any(level[value])))
            parts.extend((Occur.MustNot, query) for score, found in level.items() if score > value for query in found)
        return Query.boolean_query(parts)


def later_ids(schema: tantivy.Schema, id: str) -> Query:
    """All ids after `id`."""
    high, low = halves(id)
    return _any(
        [
            _range(schema, HIGH, tantivy.FieldType.Unsigned, high, None, include_lower=False),
            _all(
                [
                    _range(schema, HIGH, tantivy.FieldType.Unsigned, high, high),
                    _range(schema, LOW, tantivy.FieldType.Unsigned, low, None, include_lower=False),
                ]
            ),
        ]
    )


def with_ids(schema: tantivy.Schema, ids: Sequence[str]) -> Query:
    return Query.term_set_query(schema, ID, list(ids))


def both(one: Query, other: Query) -> Query:
    return _all([one, other])


def without(query: Query, excluded: Query) -> Query:
    return Query.boolean_query([(Occur.Must, query), (Occur.MustNot, excluded)])


def filter_query(schema: tantivy.Schema, filter: Filter) -> Query:
    """A query for those whom `matches` (domain/users/filter.py) lets through."""
    match filter:
        case All(parts):
            return _all([filter_query(schema, part) for part in parts])
        case AnyOf(parts):
            return _any([filter_query(schema, part) for part in parts])
        case Not(part):
            return _not(filter_query(schema, part))
        case Condition(field, operator, value, attribute):
            if field.kind is Kind.OBJECT:
                return _attribute_condition(schema, attribute or "", operator, value)
            return _condition(schema, field, operator, value)


def _condition(schema: tantivy.Schema, field: Field, operator: Operator, value: Any) -> Query:
    match operator:
        case Operator.EXISTS:
            return _presence(_term(schema, PRESENT, field.name), value)
        case Operator.EQ:
            return _equal(schema, field, value)
        case Operator.IN:
            return _any([_equal(schema, field, one) for one in value])
        case Operator.STARTS_WITH:
            return _prefix(schema, field.compared, value) if value else _term(schema, PRESENT, field.name)
        case Operator.LT | Operator.LTE | Operator.GT | Operator.GTE:
            return _compared(schema, field, operator, _number(value))


def _compared(schema: tantivy.Schema, field: Field, operator: Operator, number: int) -> Query:
    upper = operator in {Operator.LT, Operator.LTE}
    strict = operator in {Operator.LT, Operator.GT}
    return _range(
        schema,
        field.name,
        tantivy.FieldType.Integer,
        None if upper else number,
        number if upper else None,
        include_lower=not strict,
        include_upper=not strict,
    )


def _equal(schema: tantivy.Schema, field: Field, value: Any) -> Query:
    match field.kind:
        case Kind.BOOLEAN:
            return _term(schema, field.name, boolean_term(value))
        case Kind.TIME | Kind.INTEGER:
            return _range(schema, field.name, tantivy.FieldType.Integer, _number(value), _number(value))
    return _term(schema, field.compared, value)


def _attribute_condition(schema: tantivy.Schema, key: str, operator: Operator, value: Any) -> Query:
    if operator is Operator.EXISTS:
        return _presence(_term(schema, ATTRIBUTES, attribute_key_term(key)), value)
    wanted = value if operator is Operator.IN else (value,)
    return _any([_term(schema, ATTRIBUTES, attribute_term(key, one)) for one in wanted])


def _level(schema: tantivy.Schema, word: str, clauses: Iterable[Clause]) -> Level:
    level: Level = {}
    for clause in clauses:
        level.setdefault(clause.score, []).append(_clause(schema, word, clause))
    return level


def _clause(schema: tantivy.Schema, word: str, clause: Clause) -> Query:
    name = tokens_field(clause.tokens)
    match clause.match:
        case Match.EXACT:
            return _term(schema, name, word)
        case Match.PREFIX:
            return _prefix(schema, name, word)
        case Match.TYPO:
            return Query.fuzzy_term_query(schema, name, word, clause.edits, True, False)


def _ways(levels: Sequence[Level], score: int) -> list[tuple[int, ...]] | None:
    """For each way to reach exactly `score`, what each word scores; None if there are too many."""
    ways: list[tuple[int, ...]] = [()]
    for position, level in enumerate(levels):
        rest = levels[position + 1 :]
        low, high = sum(min(other) for other in rest), sum(max(other) for other in rest)
        ways = [(*way, value) for way in ways for value in level if low <= score - sum(way) - value <= high]
        if len(ways) > MAX_COMBINATIONS:
            return None
    return [way for way in ways if sum(way) == score]


def _bounds(levels: Sequence[Level], score: int) -> list[tuple[int, ...]] | None:
    """The lowest bounds a word that together make at least `score`; None if there are too many."""
    bounds: list[tuple[int, ...]] = [()]
    for position, level in enumerate(levels):
        high = sum(max(other) for other in levels[position + 1 :])
        bounds = [(*bound, value) for bound in bounds for value in level if sum(bound) + value + high >= score]
        if len(bounds) > MAX_COMBINATIONS:
            return None
    return [
        one
        for one in bounds
        if not any(other != one and all(a <= b for a, b in zip(other, one, strict=True)) for other in bounds)
    ]


def _above(level: Level, value: int) -> Query:
    return _any([query for score, found in level.items() if score > value for query in found])


def _term(schema: tantivy.Schema, name: str, value: str) -> Query:
    return Query.term_query(schema, name, value, "basic")


def _prefix(schema: tantivy.Schema, name: str, prefix: str) -> Query:
    """At distance 0 the fuzzy prefix is exact; at larger ones it loses hits."""
    return Query.fuzzy_term_query(schema, name, prefix, 0, True, True)


def _range(
    schema: tantivy.Schema,
    name: str,
    kind: tantivy.FieldType,
    lower: int | None,
    upper: int | None,
    *,
    include_lower: bool = True,
    include_upper: bool = True,
) -> Query:
    bounded = (include_lower or lower is None, include_upper or upper is None)
    return Query.const_score_query(Query.range_query(schema, name, kind, lower, upper, *bounded), 0.0)


def _number(value: Any) -> int:
    return to_milliseconds(value) if isinstance(value, datetime) else int(value)


def _presence(query: Query, wanted: bool) -> Query:
    return query if wanted else _not(query)


def _not(query: Query) -> Query:
    return Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, query)])


def _all(parts: Sequence[Query]) -> Query:
    if not parts:
        return Query.all_query()
    return Query.boolean_query([(Occur.Must, part) for part in parts])


def _any(parts: Sequence[Query]) -> Query:
    if not parts:
        return Query.empty_query()
    return Query.boolean_query([(Occur.Should, part) for part in parts])
