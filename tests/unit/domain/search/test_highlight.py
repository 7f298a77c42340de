"""Highlights."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.search.document import token_groups
from domain.search.highlight import highlights
from domain.search.query import Match, Plan, plan
from domain.users.model import User
from tests.contract.search.cases import adversarial_queries, adversaries, crowd, queries
from tests.contract.search.oracle import distance
from tests.contract.users.users import a_user


def _shown(query: str, **values: Any) -> dict[str, str]:
    user = a_user(**{"username": "0", **values})
    return {
        found.field: "".join(f"[{part.text}]" if part.hit else part.text for part in found.fragments)
        for found in highlights(user, plan(query))
    }


@pytest.mark.parametrize(
    ("name", "query", "expected"),
    [
        ("Jürgen Straße-Müller", "strasse mul", "Jürgen [Straße]-[Mül]ler"),
        ("Straße", "stras", "[Straß]e"),
        ("O’Neill, Ángel", "oneill angel", "[O’Neill], [Ángel]"),
        ("O'Neill", "neill", "O'[Neill]"),
        ("İpek Işık", "ipek isik", "[İpek] [Işık]"),
        ("e\u0301lan", "el", "[e\u0301l]an"),
        ("elan\u0301 x", "elan ", "[elan\u0301] x"),
        ("Łukasz", "lukazs", "[Łukasz]"),
        ("Παπαδόπουλος", "ΠΑΠΑΔΟΠΟΥΛΟΣ", "[Παπαδόπουλος]"),
        ("مُحَمَّد", "محمد", "[مُحَمَّد]"),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국", "[\u1112\u1161\u11ab\u1100\u116e\u11a8]"),
        ("\u3147\u314f\u3134", "아", "[\u3147\u314f]\u3134"),
        ("\uffb7\uffc2", "아", "[\uffb7\uffc2]"),
        ("ｼﾞｮﾝ", "ジ", "[ｼﾞ]ｮﾝ"),
        ("王小明", "小明", "王[小明]"),
        ("王小明小", "小", "王[小]明[小]"),
        ("Jean-Luc", "jeanluc", "[Jean-Luc]"),
        ("Jean-Luc", "jeanl", "[Jean-L]uc"),
        ("𠮷野 x", "𠮷", "[𠮷]野 x"),
        ("aab aa", "aa ", "aab [aa]"),
    ],
)
def test_what_is_marked(name: str, query: str, expected: str) -> None:
    assert _shown(query, display_name=name) == {"displayName": expected}


def test_a_pair_across_two_fields_is_marked_in_both() -> None:
    assert _shown("王小", family_name="王", given_name="小明") == {"familyName": "[王]", "givenName": "[小]明"}


def test_an_email_is_marked_part_by_part() -> None:
    assert _shown("exampel ann", email="ann.lee@example.org") == {"email": "[ann].lee@example.org"}
    assert _shown("ann exam", email="ann.lee@example.org") == {"email": "[ann].lee@[exam]ple.org"}


def test_a_username_or_address_in_full_is_marked_in_full() -> None:
    assert _shown("___", username="___", given_name="Ann") == {"username": "[___]"}
    assert _shown("ANN@Example.org", email="Ann@example.org") == {"email": "[Ann@example.org]"}


def test_what_is_not_found_is_not_shown() -> None:
    assert _shown("ann", given_name="Bob", family_name="Annals") == {"familyName": "[Ann]als"}
    assert _shown("ann ", given_name="Bob", family_name="Annals") == {}
    assert _shown("", given_name="Bob") == {}


def _found(user: User, plan: Plan) -> bool:
    tokens = token_groups(user)
    return any(
        token == word.text
        or (clause.match is Match.PREFIX and token.startswith(word.text))
        or (clause.match is Match.TYPO and distance(word.text, token) <= clause.edits)
        for word in plan.words
        for clause in word.clauses
        for token in tokens[clause.tokens]
    )


CROWD = crowd(60, seed=3)
HOSTILE = adversaries(60, seed=3)


@given(
    st.one_of(
        st.tuples(st.sampled_from(CROWD), st.sampled_from(list(queries(CROWD, 200, seed=5)))),
        st.tuples(st.sampled_from(HOSTILE), st.sampled_from(list(adversarial_queries(100, seed=5)))),
    )
)
def test_whoever_is_found_has_a_mark_and_no_letter_is_lost(case: tuple[User, str]) -> None:
    user, query = case
    found = highlights(user, plan(query))
    assert bool(found) == _found(user, plan(query))
    texts = {user.given_name, user.family_name, user.display_name, user.username, user.email}
    for highlight in found:
        assert "".join(part.text for part in highlight.fragments) in texts
        assert any(part.hit and part.text for part in highlight.fragments)
