"""Which indexes are ours, read from an answer of Elasticsearch."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import IndexMismatch
from domain.search.elasticsearch_indexes import read_indexes
from domain.search.elasticsearch_mapping import meta

OLD, NEW = "users-20260101000000", "users-20260102000000000"


def _index(meta: Mapping[str, Any] | None, *, made: int = 1, alias: str | None = None) -> Mapping[str, Any]:
    return {
        "aliases": {alias: {}} if alias else {},
        "mappings": {"_meta": meta} if meta else {},
        "settings": {"index": {"creation_date": str(made)}},
    }


def test_ours_are_those_of_our_name_that_say_so_the_oldest_first() -> None:
    indexes = read_indexes(
        "users",
        {
            NEW: _index(meta(), made=86_400_000, alias="users"),
            OLD: _index({"owner": "user-service", "schema": 0}, made=1_500),
            "users-20260103000000": _index({"owner": "somebody"}),
            "users-20260104000000": _index(None),
            "users-eu-20260101000000": _index(meta(), alias="users-eu"),
            "users-2026": _index(meta()),
        },
    )
    old, new = indexes.ours
    assert (old.name, old.serving, old.fits) == (OLD, False, False)
    assert (new.name, new.serving, new.fits) == (NEW, True, True)
    assert (old.created_at, new.created_at) == (
        datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC),
        datetime(1970, 1, 2, tzinfo=UTC),
    )
    assert indexes.kept == [OLD]
    assert indexes.serving == new
    assert indexes.fitting(NEW) == new


def test_one_of_another_shape_or_owner_fits_nothing() -> None:
    indexes = read_indexes("users", {OLD: _index({"owner": "user-service", "schema": 0}), NEW: _index({"owner": "x"})})
    with pytest.raises(IndexMismatch, match=f"{OLD} has the shape .*'schema': 0.*rebuild"):
        indexes.fitting(OLD)
    with pytest.raises(IndexMismatch, match=f"There is no index {NEW} of ours"):
        indexes.fitting(NEW)


def test_an_alias_that_leads_to_two_names_both_and_what_to_do() -> None:
    indexes = read_indexes("users", {OLD: _index(meta(), alias="users"), NEW: _index(meta(), alias="users")})
    for read in (lambda: indexes.serving, lambda: indexes.ours, lambda: indexes.fitting(OLD)):
        with pytest.raises(IndexMismatch, match=f"leads to {OLD} and {NEW}: take it off all but the one"):
            read()


def test_an_alias_that_leads_to_somebody_elses_index_is_left_alone() -> None:
    indexes = read_indexes("users", {"people": _index(None, alias="users"), OLD: _index(meta())})
    assert [index.name for index in indexes.found if index.serving] == ["people"]
    with pytest.raises(IndexMismatch, match="leads to people, which this service has not made"):
        _ = indexes.ours


def test_nothing_is_nothing() -> None:
    indexes = read_indexes("users", {})
    assert (indexes.serving, list(indexes.ours), indexes.kept) == (None, [], [])
