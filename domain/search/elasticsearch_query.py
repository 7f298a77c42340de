"""Plans, filters and facets in Elasticsearch's query language: pure functions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.clock import to_text
from domain.search.document import attribute_key_term, attribute_term
from domain.search.query import KEY_SCORE, KEYS, MAX_FACET_VALUES, Clause, Match, Plan, SearchRequest
from domain.users.fields import Field, Kind, Unique
from domain.users.filter import All, AnyOf, Condition, Filter, Not, Operator

Query = dict[str, Any]

_SHARD_FACET_VALUES = 10_000
"""So many values a shard counts before the best are chosen: counts are exact as long as there are no more."""

_REWRITE = "constant_score"
"""Lifts the cap on how many terms a prefix or typo may stand for."""

_EVERYTHING: Query = {"match_all": {}}
_NOTHING: Query = {"match_none": {}}


def search_body(request: SearchRequest) -> dict[str, Any]:
    """The body of a search for one hit more than asked for, which tells whether there are more."""
    body: dict[str, Any] = {
        "query": {"bool": {"must": [_plan(request.plan)], "filter": [filter_query(request.filter)]}},
        "size": request.limit + 1,
        "sort": [{"_score": "desc"}, {"id": "asc"}],
        "track_total_hits": True,
        "_source": False,
    }
    if request.after is not None:
        body["search_after"] = [request.after.score, request.after.id]
    if request.facets:
        body["aggs"] = {facet.name: _facet(facet) for facet in request.facets}
    return body


def versions_body(ids: list[str]) -> dict[str, Any]:
    """The body of a search for the versions of `ids`."""
    return {
        "query": {"ids": {"values": ids}},
        "size": len(ids),
        "docvalue_fields": ["version"],
        "track_total_hits": False,
        "_source": False,
    }


def scan_body(after: str | None, limit: int) -> dict[str, Any]:
    """The body of a search for the next ids and versions in id order."""
    body: dict[str, Any] = {
        "query": _EVERYTHING,
        "size": limit,
        "sort": [{"id": "asc"}],
        "docvalue_fields": ["version"],
        "track_total_hits": False,
        "_source": False,
    }
    if after is not None:
        body["search_after"] = [after]
    return body


def view_body(view: str, keep_alive: str, after: str | None, limit: int) -> dict[str, Any]:
    """The body of a search in a point in time for the next documents in id order."""
    body: dict[str, Any] = {
        "pit": {"id": view, "keep_alive": keep_alive},
        "query": _EVERYTHING,
        "size": limit,
        "sort": [{"id": "asc"}],
        "track_total_hits": False,
        "_source": True,
    }
    if after is not None:
        body["search_after"] = [after]
    return body


def held_body(ids: Sequence[str]) -> dict[str, Any]:
    """The body of a search for the documents of `ids`."""
    return {"query": {"ids": {"values": list(ids)}}, "size": len(ids), "track_total_hits": False, "_source": True}


def _facet(facet: Field) -> dict[str, Any]:
    return {
        "terms": {
            "field": facet.name,
            "size": MAX_FACET_VALUES,
            "shard_size": _SHARD_FACET_VALUES,
            "order": [{"_count": "desc"}, {"_key": "asc"}],
        }
    }


def _plan(plan: Plan) -> Query:
    """Whoever has the key scores that; everybody else the sum of all words."""
    ways: list[Query] = []
    if plan.words:
        ways.append({"bool": {"must": _words(plan)}})
    if plan.key:
        keys = _any_of([{"term": {f"search.{field.compared}": {"value": plan.key}}} for field in KEYS])
        ways.append({"constant_score": {"filter": keys, "boost": KEY_SCORE}})
    return {"dis_max": {"tie_breaker": 0.0, "queries": ways}}


def _words(plan: Plan) -> list[Query]:
    """One query a word, which scores its best clause: every score is a constant, whatever the index holds."""
    return [
        {"dis_max": {"tie_breaker": 0.0, "queries": [_constant(word.text, clause) for clause in word.clauses]}}
        for word in plan.words
    ]


def _constant(word: str, clause: Clause) -> Query:
    return {"constant_score": {"filter": _clause(word, clause), "boost": clause.score}}


def _clause(word: str, clause: Clause) -> Query:
    field = f"search.{clause.tokens.value}"
    match clause.match:
        case Match.EXACT:
            return {"term": {field: {"value": word}}}
        case Match.PREFIX:
            return _prefix(field, word)
        case Match.TYPO:
            fuzzy = {"value": word, "fuzziness": clause.edits, "prefix_length": 0, "transpositions": True}
            return {"fuzzy": {field: {**fuzzy, "rewrite": _REWRITE}}}


def _prefix(name: str, value: str) -> Query:
    return {"prefix": {name: {"value": value, "rewrite": _REWRITE}}}


def filter_query(filter: Filter) -> Query:
    """A query for those whom `matches` (domain/users/filter.py) lets through."""
    match filter:
        case All(parts):
            return {"bool": {"filter": [filter_query(part) for part in parts]}} if parts else _EVERYTHING
        case AnyOf(parts):
            return _any_of([filter_query(part) for part in parts])
        case Not(part):
            return {"bool": {"must_not": [filter_query(part)]}}
        case Condition(field, operator, value, attribute):
            if field.kind is Kind.OBJECT:
                return _attribute_condition(attribute or "", operator, value)
            return _condition(field, operator, value)


def _any_of(parts: list[Query]) -> Query:
    return {"bool": {"should": parts, "minimum_should_match": 1}} if parts else _NOTHING


def _condition(field: Field, operator: Operator, value: Any) -> Query:
    name = f"search.{field.compared}" if field.unique is Unique.FOLDED else field.name
    match operator:
        case Operator.EQ:
            return {"term": {name: {"value": _plain(value)}}}
        case Operator.IN:
            return {"terms": {name: [_plain(one) for one in value]}}
        case Operator.EXISTS:
            return _presence({"exists": {"field": name}}, value)
        case Operator.STARTS_WITH:
            return _prefix(name, value) if value else {"exists": {"field": name}}
        case Operator.LT | Operator.LTE | Operator.GT | Operator.GTE:
            return {"range": {name: {operator.value: _plain(value)}}}


def _attribute_condition(key: str, operator: Operator, value: Any) -> Query:
    if operator is Operator.EXISTS:
        return _presence({"term": {"search.attributes": {"value": attribute_key_term(key)}}}, value)
    wanted = value if operator is Operator.IN else (value,)
    return {"terms": {"search.attributes": [attribute_term(key, one) for one in wanted]}}


def _presence(query: Query, wanted: bool) -> Query:
    return query if wanted else {"bool": {"must_not": [query]}}


def _plain(value: Any) -> Any:
    return to_text(value) if isinstance(value, datetime) else value
