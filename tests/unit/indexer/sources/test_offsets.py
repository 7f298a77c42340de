import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.sources.offsets import Start, start


@pytest.mark.parametrize(
    ("committed", "begin", "end", "expected"),
    [
        (5, 0, 9, Start(5)),
        (3, 3, 9, Start(3)),
        (9, 3, 9, Start(9)),
        (None, 0, 9, Start(0, "no offset is committed")),
        (2, 3, 9, Start(3, "the topic begins at 3 now, and was read up to 2")),
        (10, 3, 9, Start(3, "the topic ends at 9 now, and was read up to 10")),
    ],
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_sink_that_holds_something(
    committed: int | None, begin: int, end: int, expected: Start, *, begun: bool
) -> None:
    assert start(committed, begin, end, sink_empty=False, begun=begun) == expected


@pytest.mark.parametrize(
    ("committed", "begin", "begun", "expected"),
    [
        (None, 0, False, Start(0)),
        (0, 0, False, Start(0)),
        (0, 0, True, Start(0, "the sink is empty")),
        (5, 0, True, Start(0, "the sink is empty")),
        (None, 3, False, Start(3, "the sink is empty")),
    ],
)
def test_an_empty_sink(committed: int | None, begin: int, expected: Start, *, begun: bool) -> None:
    assert start(committed, begin, 9, sink_empty=True, begun=begun) == expected


@given(st.none() | st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.booleans(), st.booleans())
def test_without_a_gap_all_that_the_sink_lacks_is_still_there(
    committed: int | None, begin: int, length: int, sink_empty: bool, others_begun: bool
) -> None:
    begun = bool(committed) or others_begun
    found = start(committed, begin, begin + length, sink_empty=sink_empty, begun=begun)
    assert begin <= found.offset <= begin + length
    if not found.gap:
        delivered = 0 if sink_empty or committed is None else committed
        assert found.offset <= delivered
