"""The order of ids in tantivy, whatever they have in common."""

import random

import pytest
import tantivy
from ulid import ULID

from domain.search.document import IndexEntry, search_document
from domain.search.tantivy_reading import SPARE, addresses_after, read_ids
from domain.search.tantivy_schema import build_schema, to_tantivy
from tests.contract.users.users import a_user


@pytest.mark.parametrize("beginnings", [1, 3, 40, 10_000])
def test_pages_are_in_order_and_complete_however_many_ids_begin_alike(beginnings: int) -> None:
    chance = random.Random(beginnings)
    halves = [bytes([0, *chance.randbytes(7)]) for _ in range(beginnings)]
    ids = [str(ULID.from_bytes(chance.choice(halves) + chance.randbytes(8))) for _ in range(4 * SPARE)]
    document = search_document(a_user())
    index = tantivy.Index(build_schema())
    writer = index.writer(15_000_000, 1)
    for number, id in enumerate(ids):
        writer.add_document(to_tantivy(IndexEntry(id, 1, {**document, "id": id}), index.schema))
        if number % 100 == 0:
            writer.commit()  # a segment of its own
    writer.commit()
    index.reload()
    searcher = index.searcher()
    for limit in (7, 50, 1_000):
        found: list[str] = []
        while page := read_ids(searcher, addresses_after(searcher, index.schema, found[-1] if found else None, limit)):
            assert len(page) == min(limit, len(ids) - len(found))
            found += page
        assert found == sorted(ids)
