"""Queries and mappings in Elasticsearch's language: what agreement with the oracle depends on."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from domain.search.document import IndexEntry, search_document
from domain.search.elasticsearch_bulk import bulk_lines
from domain.search.elasticsearch_mapping import index_name, mappings, meta, settings
from domain.search.elasticsearch_query import filter_query, search_body
from domain.search.query import After, SearchRequest, plan
from domain.users.filter import parse
from tests.contract.users.users import a_user


def test_every_word_scores_constants_and_nothing_is_capped() -> None:
    body = search_body(SearchRequest(plan("annabell"), 20, after=After(24, "x")))
    (plans,) = body["query"]["bool"]["must"]
    words, key = plans["dis_max"]["queries"]
    assert (plans["dis_max"]["tie_breaker"], key["constant_score"]["boost"]) == (0, 200)
    (word,) = words["bool"]["must"]
    clauses = word["dis_max"]["queries"]
    assert word["dis_max"]["tie_breaker"] == 0
    assert [clause["constant_score"]["boost"] for clause in clauses] == [
        *(24, 23, 22, 21, 20, 19, 18, 17),
        *(16, 15, 14, 12, 11, 10),
    ]
    expanding = [clause["constant_score"]["filter"] for clause in clauses[4:]]
    assert all(
        options["rewrite"] == "constant_score"
        for query in expanding
        for fields in query.values()
        for options in fields.values()
    )
    assert body["size"] == 21
    assert body["search_after"] == [24, "x"]
    assert body["sort"] == [{"_score": "desc"}, {"id": "asc"}]


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        ({}, {"match_all": {}}),
        ({"or": []}, {"match_none": {}}),
        ({"username": {"eq": "ANN"}}, {"term": {"search.usernameKey": {"value": "ann"}}}),
        (
            {"locale": {"ne": "de"}},
            {"bool": {"must_not": [{"term": {"locale": {"value": "de"}}}]}},
        ),
        (
            {"createdAt": {"lt": datetime(26, 1, 2, tzinfo=UTC)}},
            {"range": {"createdAt": {"lt": "0026-01-02T00:00:00.000Z"}}},
        ),
        (
            {"locale": {"startsWith": "de"}},
            {"prefix": {"locale": {"value": "de", "rewrite": "constant_score"}}},
        ),
        ({"roles": {"exists": False}}, {"bool": {"must_not": [{"exists": {"field": "roles"}}]}}),
        ({"attributes": [{"key": "a", "in": [1.0, "1"]}]}, {"terms": {"search.attributes": ['["a",1]', '["a","1"]']}}),
    ],
)
def test_filters(raw: dict[str, object], query: dict[str, object]) -> None:
    assert filter_query(parse(raw)) == query


def test_the_mapping_has_a_place_for_every_field_of_a_document() -> None:
    document = search_document(
        a_user(
            external_id="x",
            given_name="a",
            family_name="b",
            display_name="c",
            email="a@b.example",
            email_verified=True,
            phone="+12025550123",
            locale="de",
            timezone="Europe/Berlin",
            picture_url="https://example.org/a.png",
            roles=("admin",),
            attributes={"a": 1},
        )
    )
    properties = mappings()["properties"]
    assert document.keys() == properties.keys()
    assert document["search"].keys() == properties["search"]["properties"].keys()
    assert mappings()["dynamic"] == "strict"


def test_the_shape_has_a_name_which_any_change_would_change() -> None:
    assert meta() == {"owner": "user-service", "schema": 1, "mapping": "db10a37b4ea12a6f"}


def test_settings_and_index_names() -> None:
    assert settings(shards=3, replicas=1, refresh_interval=timedelta(seconds=0.5)) == {
        "index.number_of_shards": 3,
        "index.number_of_replicas": 1,
        "index.refresh_interval": "500ms",
        "index.gc_deletes": "1h",
    }
    assert index_name("users", datetime(2026, 1, 2, 3, 4, 5, 67_000, tzinfo=UTC)) == "users-20260102030405067"


def test_every_line_of_a_bulk_carries_the_version() -> None:
    document = {"id": "a", "version": 3}
    lines = [
        orjson.loads(line) for line in bulk_lines([IndexEntry("a", 3, document), IndexEntry("b", 4, None)], "external")
    ]
    assert lines == [
        {"index": {"_id": "a", "version": 3, "version_type": "external"}},
        document,
        {"delete": {"_id": "b", "version": 4, "version_type": "external"}},
    ]
