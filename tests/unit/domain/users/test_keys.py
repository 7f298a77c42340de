"""Keys: which usernames are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.users.keys import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ann", "aNN"), ("straße", "STRASSE"), ("é", "e\u0301"), ("ﬁ", "FI"), ("Ａｎｎ", "ann"), ("ς", "Σ")],
)
def test_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_not_the_same() -> None:
    assert len({fold(name) for name in ("ann", "änn", "anna", "an n", "ı", "i")}) == 6


@given(st.text())
def test_folding_is_a_fixed_point(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_the_short_way_for_ascii_is_no_other_way(text: str) -> None:
    assert fold(text) == text.casefold()
