"""Plans and cursors."""

import pytest

from domain.errors import BadInput
from domain.search.query import MAX_QUERY, After, Hit, Match, plan, read_cursor, search_cursor, search_digest
from domain.users.fields import Tokens
from domain.users.filter import EVERYONE, parse
from domain.users.page import encode_cursor

ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def _table(query: str, *, typos: bool = True) -> list[dict[tuple[Match, int], list[int]]]:
    tables = []
    for word in plan(query, typos=typos).words:
        table: dict[tuple[Match, int], list[int]] = {}
        for clause in word.clauses:
            table.setdefault((clause.match, clause.edits), []).append(clause.score)
        tables.append(table)
    return tables


EXACT = {(Match.EXACT, 0): [24, 23, 22, 21]}
PREFIX = {(Match.PREFIX, 0): [20, 19, 18, 17]}
ONE = {(Match.TYPO, 1): [16, 15, 14]}
TWO = {(Match.TYPO, 2): [12, 11, 10]}


def test_scores_by_kind_and_length() -> None:
    assert _table("ann anna annabell anna") == [EXACT, EXACT | PREFIX | ONE, EXACT | ONE | TWO]
    assert _table("ann ") == [EXACT]
    assert _table("annabell") == [EXACT | PREFIX | ONE | TWO]
    assert _table("annabell", typos=False) == [EXACT | PREFIX]
    assert _table("王 王小 ") == [EXACT | PREFIX, EXACT]
    assert _table("") == []


def test_clauses_go_from_the_best_to_the_least_and_from_names_to_domains() -> None:
    (word,) = plan("annabell").words
    scores = [clause.score for clause in word.clauses]
    assert scores == sorted(scores, reverse=True)
    assert [clause.tokens for clause in word.clauses[:4]] == [
        Tokens.NAME,
        Tokens.USERNAME,
        Tokens.EMAIL,
        Tokens.DOMAIN,
    ]


def test_a_query_may_not_be_endless() -> None:
    assert len(plan("a " * (MAX_QUERY // 2)).words) == 1
    with pytest.raises(BadInput, match="longer than 500") as refused:
        plan("a" * (MAX_QUERY + 1))
    assert refused.value.field == "query"


def test_a_cursor_is_read_back_for_the_same_search_only() -> None:
    mark = search_digest(plan("ann lee"), EVERYONE)
    cursor = search_cursor(Hit(ID, 48), mark)
    assert read_cursor(cursor, mark) == After(48, ID)
    assert read_cursor(None, mark) is None
    assert search_digest(plan("ANN LEE"), EVERYONE) == mark
    others = [
        search_digest(plan("ann lee "), EVERYONE),
        search_digest(plan("ann"), EVERYONE),
        search_digest(plan("ann lee"), parse({"status": {"eq": "ACTIVE"}})),
    ]
    for other in others:
        with pytest.raises(BadInput, match="another search"):
            read_cursor(cursor, other)


@pytest.mark.parametrize("parts", [["48", ID], [True, ID], [-1, ID], [2**40, ID], [48, "x"], [48, 1], [48, ID + "\n"]])
def test_a_made_up_cursor_is_refused(parts: list[object]) -> None:
    mark = search_digest(plan("ann"), EVERYONE)
    with pytest.raises(BadInput) as refused:
        read_cursor(encode_cursor([mark, *parts]), mark)
    assert refused.value.field == "after"
    with pytest.raises(BadInput):
        read_cursor("!", mark)
