import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.sources.offsets import Start, start


@pytest.mark.parametrize(
    ("committed", "begin", "end", "sink_empty", "expected"),
    [
        (5, 0, 9, False, Start(5)),
        (3, 3, 9, False, Start(3)),
        (9, 3, 9, False, Start(9)),
        (None, 0, 9, True, Start(0)),
        (None, 0, 0, True, Start(0)),
        (None, 0, 9, False, Start(0, "no offset is committed")),
        (None, 3, 9, True, Start(3, "no offset is committed")),
        (5, 0, 9, True, Start(0, "the sink is empty")),
        (2, 3, 9, False, Start(3, "the topic begins at 3 now, and was read up to 2")),
        (10, 3, 9, False, Start(3, "the topic ends at 9 now, and was read up to 10")),
    ],
)
def test_where_to_begin(committed: int | None, begin: int, end: int, sink_empty: bool, expected: Start) -> None:
    assert start(committed, begin, end, sink_empty=sink_empty) == expected


@given(st.none() | st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_without_a_gap_all_that_the_sink_lacks_is_still_there(
    committed: int | None, begin: int, length: int, sink_empty: bool
) -> None:
    found = start(committed, begin, begin + length, sink_empty=sink_empty)
    assert begin <= found.offset <= begin + length
    if not found.gap:
        delivered = 0 if sink_empty or committed is None else committed
        assert found.offset <= delivered
