"""The contract of a search index: the oracle's hits, in its order, with its scores, totals, pages and facets."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from domain.search.query import KEY_SCORE, After, Hit, Plan, SearchRequest, SearchResult, plan
from domain.search.tantivy import OVERFETCH
from domain.users.fields import FIELDS
from domain.users.filter import EVERYONE, All, parse
from domain.users.model import User
from tests.contract.search.cases import (
    FOUND,
    RANKED,
    adversarial_queries,
    adversaries,
    crowd,
    filtered_users,
    people,
    queries,
)
from tests.contract.search.conftest import Engine, entry, open_engine
from tests.contract.search.oracle import Oracle
from tests.contract.users.users import FILTERS, a_user

_OTHER_LETTERS = "bcdefghjklopqsuvwxyz0123456789бвгджзклмнопрстуфхцчшщ"
FACETS = tuple(field for field in FIELDS if field.facetable)


@dataclass(frozen=True, slots=True)
class Filled:
    """An engine and the oracle, filled with the same users."""

    users: Sequence[User]
    engine: Engine
    oracle: Oracle

    async def compare(self, request: SearchRequest) -> SearchResult:
        expected = await self.oracle.search(request)
        if isinstance(self.engine.index, Oracle):
            return expected
        found = await self.engine.index.search(request)
        assert _plain(found) == _plain(expected), " ".join(word.text for word in request.plan.words)
        return expected


def _plain(result: SearchResult) -> dict[str, Any]:
    facets = {name: list(values) for name, values in result.facets.items()}
    return {"hits": list(result.hits), "total": result.total, "more": result.more, "facets": facets}


async def _oracle(users: Sequence[User]) -> Oracle:
    oracle = Oracle()
    await oracle.write([entry(user) for user in users])
    return oracle


@asynccontextmanager
async def _filled(
    users: Sequence[User], oracle: Oracle, kind: str, folder: Path, url: str | None
) -> AsyncIterator[Filled]:
    async with open_engine(kind, folder / "index", url) as engine:
        await engine.show([entry(user) for user in users])
        yield Filled(users, engine, oracle)


@pytest.fixture(scope="session")
async def crowd_and_oracle() -> tuple[Sequence[User], Oracle]:
    users = crowd(1_000, seed=7)
    return users, await _oracle(users)


@pytest.fixture(scope="session")
async def adversaries_and_oracle() -> tuple[Sequence[User], Oracle]:
    users = adversaries(250, seed=8)
    return users, await _oracle(users)


@pytest.fixture(scope="session")
async def filtered_and_oracle() -> tuple[Sequence[User], Oracle]:
    users = filtered_users(150, seed=9)
    return users, await _oracle(users)


@pytest.fixture(scope="session")
async def many(
    crowd_and_oracle: tuple[Sequence[User], Oracle],
    kind: str,
    server_url: str | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Filled]:
    async with _filled(*crowd_and_oracle, kind, tmp_path_factory.mktemp("many"), server_url) as all:
        yield all


@pytest.fixture(scope="session")
async def hostile(
    adversaries_and_oracle: tuple[Sequence[User], Oracle],
    kind: str,
    server_url: str | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Filled]:
    async with _filled(*adversaries_and_oracle, kind, tmp_path_factory.mktemp("hostile"), server_url) as all:
        yield all


@pytest.fixture(scope="session")
async def awkward(
    filtered_and_oracle: tuple[Sequence[User], Oracle],
    kind: str,
    server_url: str | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Filled]:
    async with _filled(*filtered_and_oracle, kind, tmp_path_factory.mktemp("awkward"), server_url) as all:
        yield all


@pytest.fixture(scope="session")
async def known(
    kind: str, server_url: str | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Engine, dict[str, str]]]:
    """An engine with PEOPLE, and their names by id."""
    named = people()
    async with open_engine(kind, tmp_path_factory.mktemp("known") / "index", server_url) as engine:
        await engine.show([entry(user) for user in named.values()])
        yield engine, {user.id: name for name, user in named.items()}


@pytest.mark.parametrize(("query", "expected"), FOUND, ids=[query for query, _ in FOUND])
async def test_a_query_finds(known: tuple[Engine, dict[str, str]], query: str, expected: list[str]) -> None:
    engine, names = known
    result = await engine.index.search(SearchRequest(plan(query), 10))
    assert ([names[hit.id] for hit in result.hits], result.total, result.more) == (expected, len(expected), False)


@pytest.mark.parametrize(("query", "values", "scores"), RANKED, ids=[query for query, _, _ in RANKED])
async def test_scores_order_the_found(
    engine: Engine, query: str, values: list[dict[str, Any]], scores: list[int]
) -> None:
    users = [a_user(**{"username": f"{n:04d}", **value}) for n, value in enumerate(values)]
    await engine.show([entry(user) for user in reversed(users)])
    result = await engine.index.search(SearchRequest(plan(query), 20))
    assert list(result.hits) == [Hit(user.id, score) for user, score in zip(users, scores, strict=True)]


async def test_queries_of_people_find_the_oracles_list(many: Filled) -> None:
    totals = [(await many.compare(SearchRequest(plan(query), 20))).total for query in queries(many.users, 100, seed=1)]
    assert sum(total > 0 for total in totals) > 60
    assert sum(total > 20 for total in totals) > 5


async def test_words_of_tiny_alphabets_find_the_oracles_list(hostile: Filled) -> None:
    totals = [(await hostile.compare(SearchRequest(plan(query), 20))).total for query in adversarial_queries(80, 2)]
    assert sum(total > 0 for total in totals) > 40


async def test_a_typo_or_prefix_stands_for_any_number_of_words(engine: Engine) -> None:
    typos = ["martin"[:at] + letter + "martin"[at + 1 :] for at in range(6) for letter in _OTHER_LETTERS]
    await engine.show([entry(a_user(given_name=name)) for name in typos])
    assert (await engine.index.search(SearchRequest(plan("martin "), 5))).total == len(typos)
    assert (await engine.index.search(SearchRequest(plan("m"), 5))).total == len(typos) - len(_OTHER_LETTERS)


async def test_pages_by_cursor_are_the_whole_list(many: Filled) -> None:
    for query in ["a", "example", "s", "an", "明", *queries(many.users, 10, seed=3)]:
        whole = await many.compare(SearchRequest(plan(query), 1_000))
        assert await _pages(many, plan(query), max(7, whole.total // 6)) == list(whole.hits)


async def _pages(filled: Filled, plan: Plan, size: int) -> list[Hit]:
    """All hits, page by page."""
    seen: list[Hit] = []
    request = SearchRequest(plan, size)
    while True:
        page = await filled.compare(request)
        seen += page.hits
        if not page.more:
            return seen
        request = replace(request, after=After(page.hits[-1].score, page.hits[-1].id))


async def test_pages_go_on_after_whoever_was_asked_for_in_full(
    kind: str, server_url: str | None, tmp_path: Path
) -> None:
    users = [a_user(given_name="Ada", username=name) for name in ("ada", "ada.b", "ADAM", "x")]
    users += [a_user(email="ada"), a_user(username="adaa", email="ada@example.org")]
    async with _filled(users, await _oracle(users), kind, tmp_path, server_url) as filled:
        for size in (1, 2, 3):
            hits = await _pages(filled, plan("ada"), size)
            assert [hit.score for hit in hits] == [KEY_SCORE, KEY_SCORE, 24, 24, 24, 22]
        others = parse({"username": {"ne": "ada"}})
        found = await filled.compare(SearchRequest(plan("ada"), 10, others))
        assert [hit.score for hit in found.hits] == [KEY_SCORE, 24, 24, 24, 22]


WORDS = ("ab", "cd", "ef", "gh", "ij", "kl", "mn", "op")


@pytest.mark.parametrize("count", [2, 8])
async def test_long_ties_of_several_words_are_the_whole_list(
    count: int, kind: str, server_url: str | None, tmp_path: Path
) -> None:
    """More users of one score than tantivy reads at first; by eight words there are too many ways to reach it."""
    words = WORDS[:count]
    users = [a_user(username=f"{'.'.join(words)}.{n}") for n in range(OVERFETCH + 60)]
    users += [a_user(given_name=" ".join(words)) for _ in range(3)]
    users += [a_user(given_name=" ".join(words[:-1]), email=f"{words[-1]}@example.org") for _ in range(3)]
    async with _filled(users, await _oracle(users), kind, tmp_path, server_url) as filled:
        hits = await _pages(filled, plan(" ".join(words) + " "), 97)
    assert len(hits) == len(users)
    assert sum(hit.score == 23 * count for hit in hits) >= OVERFETCH


async def test_facets_count_all_that_is_found(many: Filled) -> None:
    admins = parse({"roles": {"eq": "admin"}})
    for query in ["a", "example", "s", *queries(many.users, 10, seed=4)]:
        for filter in (EVERYONE, admins):
            page = await many.compare(SearchRequest(plan(query), 3, filter, facets=FACETS))
            if page.hits:
                after = After(page.hits[-1].score, page.hits[-1].id)
                await many.compare(SearchRequest(plan(query), 3, filter, after, FACETS))


@settings(max_examples=100, deadline=None)
@given(raw=FILTERS)
async def test_filters_let_through_whom_the_oracle_does(awkward: Filled, raw: dict[str, Any]) -> None:
    await awkward.compare(SearchRequest(plan("filtered"), 200, parse(raw)))


async def test_filters_and_pages_go_together(awkward: Filled) -> None:
    filter = All((parse({"status": {"eq": "ACTIVE"}}), parse({"not": {"locale": {"exists": True}}})))
    first = await awkward.compare(SearchRequest(plan("filt"), 5, filter))
    assert first.more
    await awkward.compare(SearchRequest(plan("filt"), 5, filter, After(first.hits[-1].score, first.hits[-1].id)))


async def test_a_page_may_begin_after_a_user_that_is_gone(many: Filled) -> None:
    whole = await many.compare(SearchRequest(plan("example"), 30))
    between = After(whole.hits[0].score, whole.hits[0].id[:-1] + "Z")
    await many.compare(SearchRequest(plan("example"), 30, after=between))
    await many.compare(SearchRequest(plan("example"), 30, after=After(whole.hits[0].score + 1, "0" * 26)))
    await many.compare(SearchRequest(plan("example"), 30, after=After(0, "7" + "Z" * 25)))


async def test_no_words_find_nobody(many: Filled) -> None:
    result = await many.compare(SearchRequest(plan(" . "), 5, facets=FACETS))
    assert _plain(result) == {"hits": [], "total": 0, "more": False, "facets": {f.name: [] for f in FACETS}}


async def test_versions_are_of_those_who_are_found(many: Filled) -> None:
    ids = [user.id for user in many.users[:3]]
    assert await many.engine.index.versions([*ids, a_user().id]) == dict.fromkeys(ids, 1)
    assert await many.engine.index.versions([]) == {}


async def test_an_index_that_is_there_answers(engine: Engine) -> None:
    await engine.index.ping()
    assert (await engine.index.search(SearchRequest(plan("anybody"), 5))).total == 0
