"""What both sides read from a tantivy searcher: ids and versions, from its columns."""

from collections.abc import Mapping, Sequence

import tantivy

from domain.search.tantivy_query import with_ids
from domain.search.tantivy_schema import HIGH, LOW, VERSION, from_halves


def read_ids(searcher: tantivy.Searcher, addresses: Sequence[tantivy.DocAddress]) -> list[str]:
    """The ids of documents: two numeric columns, which are faster than the stored documents."""
    if not addresses:
        return []
    highs = searcher.fast_field_values(HIGH, list(addresses))
    lows = searcher.fast_field_values(LOW, list(addresses))
    return [from_halves(int(high or 0), int(low or 0)) for high, low in zip(highs, lows, strict=True)]


def read_versions(searcher: tantivy.Searcher, addresses: Sequence[tantivy.DocAddress]) -> list[int]:
    return [int(version or 0) for version in searcher.fast_field_values(VERSION, list(addresses))] if addresses else []


def found_versions(searcher: tantivy.Searcher, schema: tantivy.Schema, ids: Sequence[str]) -> Mapping[str, int]:
    """The versions of those of `ids` that `searcher` finds."""
    if not ids or not searcher.num_docs:
        return {}
    found = searcher.search(with_ids(schema, ids), limit=len(ids), count=False)
    addresses = [address for _, address in found.hits]
    return dict(zip(read_ids(searcher, addresses), read_versions(searcher, addresses), strict=True))
