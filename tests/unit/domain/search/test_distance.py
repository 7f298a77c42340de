"""Edit distance."""

from hypothesis import given
from hypothesis import strategies as st

from domain.search.distance import within
from tests.contract.search.oracle import distance

WORDS = st.text("abc𠮷", max_size=10)


@given(WORDS, WORDS, st.integers(0, 2))
def test_it_is_the_oracles(one: str, other: str, edits: int) -> None:
    assert within(one, other, edits) == (distance(one, other) <= edits)


def test_no_letter_is_edited_twice() -> None:
    assert within("ca", "ac", 1)
    assert not within("ca", "abc", 2)
    assert within("picrad", "picard", 1)
    assert not within("ab", "ba", 0)
