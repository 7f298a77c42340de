"""What both sides read from a tantivy searcher: ids, versions and digests, from its columns."""

from collections.abc import Mapping, Sequence

import tantivy
from tantivy import Order, Query

from domain.search.index import Held
from domain.search.tantivy_query import later_ids, with_ids
from domain.search.tantivy_schema import DIGEST, HIGH, ID, LOW, VERSION, from_halves

SPARE = 64
"""So many more documents are asked for, as several ids may have their first half in common."""


def read_ids(searcher: tantivy.Searcher, addresses: Sequence[tantivy.DocAddress]) -> list[str]:
    """The ids of documents: two numeric columns, which are faster than the stored documents."""
    if not addresses:
        return []
    highs = searcher.fast_field_values(HIGH, list(addresses))
    lows = searcher.fast_field_values(LOW, list(addresses))
    return [from_halves(int(high or 0), int(low or 0)) for high, low in zip(highs, lows, strict=True)]


def read_versions(searcher: tantivy.Searcher, addresses: Sequence[tantivy.DocAddress]) -> list[int]:
    return [int(version or 0) for version in searcher.fast_field_values(VERSION, list(addresses))] if addresses else []


def read_held(searcher: tantivy.Searcher, addresses: Sequence[tantivy.DocAddress]) -> list[Held]:
    if not addresses:
        return []
    digests = searcher.fast_field_values(DIGEST, list(addresses))
    ids, versions = read_ids(searcher, addresses), read_versions(searcher, addresses)
    return [Held(id, version, int(digest or 0)) for id, version, digest in zip(ids, versions, digests, strict=True)]


def addresses_of(
    searcher: tantivy.Searcher, schema: tantivy.Schema, ids: Sequence[str]
) -> Sequence[tantivy.DocAddress]:
    """Where those of `ids` are that `searcher` finds."""
    if not ids or not searcher.num_docs:
        return []
    found = searcher.search(with_ids(schema, ids), limit=len(ids), count=False)
    return [address for _, address in found.hits]


def found_versions(searcher: tantivy.Searcher, schema: tantivy.Schema, ids: Sequence[str]) -> Mapping[str, int]:
    """The versions of those of `ids` that `searcher` finds."""
    addresses = addresses_of(searcher, schema, ids)
    return dict(zip(read_ids(searcher, addresses), read_versions(searcher, addresses), strict=True))


def addresses_after(
    searcher: tantivy.Searcher, schema: tantivy.Schema, after: str | None, limit: int
) -> Sequence[tantivy.DocAddress]:
    """Where the next `limit` documents are, in id order after the id `after`.

    Ordered by the first half of the ids, a number, which takes a twentieth of the time that the texts take.
    """
    query = Query.all_query() if after is None else later_ids(schema, after)
    found = searcher.search(query, limit=limit + SPARE, count=False, order_by_field=HIGH, order=Order.Asc).hits
    if len(found) == limit + SPARE:
        last = found[-1][0]
        found = [hit for hit in found if hit[0] != last]  # there may be more of that half
        if len(found) < limit:
            found = searcher.search(query, limit=limit, count=False, order_by_field=ID, order=Order.Asc).hits
            return [address for _, address in found]
    addresses = [address for _, address in found]
    lows = searcher.fast_field_values(LOW, addresses) if addresses else []
    ordered = sorted(zip(found, lows, strict=True), key=lambda one: (one[0][0], one[1]))
    return [address for (_, address), _ in ordered[:limit]]
