"""Tokens of documents and words of queries."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.search.analysis import MAX_TOKEN_BYTES, MAX_WORDS, QueryWord, cluster_spans, fold, query_words, tokens

TEXTS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]), st.sampled_from("aß'’-._ éİ\u0301\u3099ガ王각\u1100\u1161\u11a8ा")
    )
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jürgen STRAßE", "jurgen strasse"),
        ("İıIi", "iiii"),
        ("Łódź Ødegård Þór Æ", "lodz odegard thor ae"),
        ("Παπαδόπουλος", "παπαδοπουλοσ"),
        ("Пётр й", "петр и"),
        ("مُحَمَّد ـ أ ی", "محمد  ا ي"),
        ("ﾊﾞ が パ", "バ が パ"),
        ("\u1100\u1161\u11a8 각", "각 각"),
        ("O’Neill O´Neill O`Neill", "o'neill o'neill o'neill"),
        ("ﬁ Ⅷ ①", "fi viii 1"),
        ("a\u200db\u00ad", "ab"),
    ],
)
def test_fold(text: str, expected: str) -> None:
    assert fold(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann", {"ann"}),
        ("Jean-Luc Picard", {"jean", "luc", "jeanluc", "picard"}),
        ("O'Neill", {"o", "neill", "oneill"}),
        ("Sant’Anna-Rossi", {"sant", "anna", "santanna", "rossi", "santannarossi"}),
        ("ann.lee+news_x", {"ann", "lee", "news", "x", "annleenewsx"}),
        ("王小明", {"王小", "小明", "明"}),
        ("王", {"王"}),
        ("山田-太郎", {"山田", "田", "太郎", "郎", "田太"}),
        ("ジョン・スミス", {"ジョ", "ョン", "ン", "スミ", "ミス", "ス"}),
        ("Ann王", {"ann", "王"}),
        ("राम", {"राम"}),
        ("x" * 50, {"x" * 40}),
        ("я" * 50, {"я" * 20}),
        ("- ' .", set()),
        ("", set()),
    ],
)
def test_tokens(text: str, expected: set[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ann le", [("ann", False), ("le", True)]),
        ("ann le ", [("ann", False), ("le", False)]),
        ("ann.", [("ann", True)]),
        ("O'Neill", [("oneill", True)]),
        ("jean-luc", [("jean", False), ("luc", True)]),
        ("ann ANN", [("ann", True)]),
        ("王", [("王", True)]),
        ("王 ann ", [("王", True), ("ann", False)]),
        ("王小明", [("王小", False), ("小明", False)]),
        ("ann 王小", [("ann", False), ("王小", False)]),
        ("", []),
        (" '", []),
    ],
)
def test_query_words(query: str, expected: list[tuple[str, bool]]) -> None:
    assert query_words(query) == tuple(QueryWord(text, prefix) for text, prefix in expected)


def test_a_query_has_at_most_eight_words() -> None:
    words = query_words(" ".join(f"w{n}" for n in range(12)))
    assert [word.text for word in words] == [f"w{n}" for n in range(MAX_WORDS)]
    assert not any(word.prefix for word in words)


@given(TEXTS)
def test_tokens_are_safe_for_engines_that_split_at_white_space(text: str) -> None:
    for token in tokens(text):
        assert token
        assert len(token.encode()) <= MAX_TOKEN_BYTES
        assert token.split() == [token]
        assert unicodedata.is_normalized("NFC", token)


@given(TEXTS)
def test_every_word_of_a_text_finds_it(text: str) -> None:
    found = tokens(text)
    for word in query_words(text):
        assert word.text in found or (word.prefix and any(token.startswith(word.text) for token in found))


@given(TEXTS)
@example("\u3147\u314f\u3134")
@example("\uffb7\uffc2\u11ab")
def test_clusters_fold_one_by_one(text: str) -> None:
    spans = list(cluster_spans(text))
    assert "".join(text[start:end] for start, end in spans) == text
    assert "".join(fold(text[start:end]) for start, end in spans) == fold(text)
