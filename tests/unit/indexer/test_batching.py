from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.search.document import IndexEntry
from indexer.batching import Limits, begin, due_in, fits, join, newest, size, split
from indexer.sources.source import Chunk
from tests.unit.indexer.fakes import NOON, deletion, entry

ENTRIES = st.lists(
    st.builds(entry, st.integers(0, 4), st.integers(1, 5), padding=st.sampled_from(["", "x" * 300])), max_size=12
)


@given(ENTRIES, st.integers(1, 5), st.integers(200, 1500))
def test_parts_are_within_limits_and_only_the_last_one_ends_the_chunk(
    entries: list[IndexEntry], count: int, bytes: int
) -> None:
    limits = Limits(count, bytes, 0)
    parts = list(split(Chunk(entries, "p"), limits, 0.0))
    assert [made for part in parts for made in part.chunk.entries] == entries
    assert [part.chunk.position for part in parts] == [None] * (len(parts) - 1) + ["p"]
    for part in parts:
        assert part.bytes == sum(map(size, part.chunk.entries))
        assert len(part.chunk.entries) == 1 or (len(part.chunk.entries) <= count and part.bytes <= bytes) or not entries


@given(ENTRIES, ENTRIES)
def test_a_batch_has_one_entry_a_user_and_it_is_the_newest(one: list[IndexEntry], other: list[IndexEntry]) -> None:
    limits = Limits(100, 10**6, 0)
    (first,), (second,) = split(Chunk(one, "1"), limits, 5.0), split(Chunk(other, "2"), limits, 6.0)
    batch = join(begin(first), second)
    highest = {made.id: max(e.version for e in one + other if e.id == made.id) for made in one + other}
    assert {made.id: made.version for made in batch.entries} == highest
    assert len(batch.entries) == len(highest)
    assert (batch.position, batch.read_at, batch.count) == ("2", 5.0, len(one) + len(other))


def test_a_deletion_and_an_older_document_in_any_order() -> None:
    assert newest([entry(1, 1), deletion(1, 2)]) == [deletion(1, 2)]
    assert newest([deletion(1, 2), entry(1, 1)]) == [deletion(1, 2)]


def test_a_part_without_position_keeps_the_batch_where_it_was() -> None:
    limits = Limits(10, 10**6, 0)
    inside: Chunk[str] = Chunk([entry(2)], None)
    (whole,), (piece,) = split(Chunk([entry(1)], "1"), limits, 0.0), split(inside, limits, 0.0)
    assert join(begin(whole), piece).position == "1"


def test_a_batch_is_as_old_as_its_oldest_change() -> None:
    limits = Limits(10, 10**6, 0)
    (late,) = split(Chunk([entry(1)], "1", NOON), limits, 0.0)
    (early,) = split(Chunk([entry(2)], "2", NOON - timedelta(seconds=9)), limits, 0.0)
    (empty,) = split(Chunk([], "3"), limits, 0.0)
    assert join(join(begin(late), early), empty).since == NOON - timedelta(seconds=9)


def test_when_a_batch_is_due() -> None:
    limits = Limits(2, 600, 0.05)
    (one,) = split(Chunk([entry(1)], "1"), limits, 10.0)
    (two,) = split(Chunk([entry(1), entry(2)], "1"), limits, 10.0)
    (large,) = split(Chunk([entry(1, padding="x" * 600)], "1"), limits, 10.0)
    (nothing,) = split(Chunk([], "1"), limits, 10.0)
    assert due_in(begin(one), limits, 10.01) == pytest.approx(0.04)
    assert due_in(begin(one), limits, 11.0) == 0
    assert due_in(begin(two), limits, 10.0) == 0
    assert due_in(begin(large), limits, 10.0) == 0
    assert due_in(begin(nothing), limits, 10.0) == 0
    assert fits(begin(one), one, limits)
    assert not fits(begin(two), one, limits)
    assert not fits(begin(one), large, limits)
