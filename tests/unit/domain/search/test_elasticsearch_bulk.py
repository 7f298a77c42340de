"""Bulk requests: what is asked, and what the answer means for each entry."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from domain.errors import IndexMismatch, SearchUnavailable
from domain.search.document import IndexEntry
from domain.search.elasticsearch_bulk import Target, bulk_lines, bulk_results, deletion_lines
from domain.search.index import Outcome

ALIAS, NAMED = Target("users", is_alias=True), Target("users-20260101000000", is_alias=False)
WRITTEN, DELETED = IndexEntry("a", 3, {"id": "a"}), IndexEntry("b", 4, None)


def _item(action: str, status: int, error: str = "", reason: str = "") -> Mapping[str, Any]:
    return {action: {"status": status} | ({"error": {"type": error, "reason": reason}} if error else {})}


def test_deletions_go_to_every_kept_index_and_without_a_version() -> None:
    lines = [orjson.loads(line) for line in bulk_lines([WRITTEN, DELETED], "external")]
    assert lines == [
        {"index": {"_id": "a", "version": 3, "version_type": "external"}},
        {"id": "a"},
        {"delete": {"_id": "b", "version": 4, "version_type": "external"}},
    ]
    assert [orjson.loads(line) for line in deletion_lines([WRITTEN, DELETED], ["x", "y"])] == [
        {"delete": {"_index": "x", "_id": "b"}},
        {"delete": {"_index": "y", "_id": "b"}},
    ]


@pytest.mark.parametrize(
    ("elsewhere", "outcome"),
    [
        (_item("delete", 200), Outcome.APPLIED),
        (_item("delete", 404), Outcome.APPLIED),
        (_item("delete", 404, "index_not_found_exception"), Outcome.APPLIED),
        (_item("delete", 403, "cluster_block_exception"), Outcome.BUSY),
        (_item("delete", 429, "es_rejected_execution_exception"), Outcome.BUSY),
        (_item("delete", 400, "index_closed_exception"), Outcome.BUSY),
    ],
)
def test_a_deletion_that_does_not_reach_a_kept_index_is_busy(elsewhere: Mapping[str, Any], outcome: Outcome) -> None:
    items = [_item("index", 201), _item("delete", 200), _item("delete", 200), elsewhere]
    written, deleted = bulk_results(ALIAS, [WRITTEN, DELETED], ["x", "y"], items)
    assert (written.outcome, deleted.outcome) == (Outcome.APPLIED, outcome)
    assert ("the index y: " in deleted.reason) == (outcome is Outcome.BUSY)


def test_a_stale_deletion_stays_stale_where_it_reached_every_kept_index() -> None:
    (result,) = bulk_results(ALIAS, [DELETED], ["x"], [_item("delete", 409, "stale"), _item("delete", 404)])
    assert result.outcome is Outcome.STALE


def test_a_target_that_is_gone_is_no_result() -> None:
    gone = [_item("index", 404, "index_not_found_exception")]
    with pytest.raises(SearchUnavailable, match="no search index behind the alias users"):
        bulk_results(ALIAS, [WRITTEN], [], gone)
    with pytest.raises(IndexMismatch, match=f"There is no index {NAMED.name}"):
        bulk_results(NAMED, [WRITTEN], [], gone)
    reason = "no write index is defined for alias [users]"
    with pytest.raises(IndexMismatch, match="alias users has no index to write to"):
        bulk_results(ALIAS, [WRITTEN], [], [_item("index", 400, "illegal_argument_exception", reason)])
