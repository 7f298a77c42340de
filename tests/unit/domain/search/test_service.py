"""The search service: pages by cursor, facets, suggestions, and waiting for one's own writes."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from domain.errors import BadInput, SearchUnavailable, StoreUnavailable
from domain.search import service
from domain.search.change_token import ChangeTokens
from domain.search.query import FacetValue, SearchRequest, SearchResult, plan
from domain.search.service import SearchService
from domain.users.filter import parse
from domain.users.model import Status, User
from domain.users.store import Write
from tests.contract.search.conftest import entry
from tests.contract.search.oracle import Oracle
from tests.contract.users.memory import MemoryDatabase, MemoryUserStore
from tests.contract.users.users import a_user

TOKENS = ChangeTokens(b"secret")


class Store(MemoryUserStore):
    """Counts its reads, and fails them if told to."""

    def __init__(self) -> None:
        super().__init__(MemoryDatabase())
        self.reads = 0
        self.down = False

    async def get(self, ids: Sequence[str]) -> Mapping[str, User]:
        self.reads += 1
        if self.down:
            raise StoreUnavailable()
        return await super().get(ids)


class Setting:
    def __init__(self) -> None:
        self.index = Oracle()
        self.store = Store()
        self.service = SearchService(self.index, self.store, TOKENS)

    async def put(self, *users: User, indexed: bool = True) -> None:
        await self.store.write_many([Write(user) for user in users])
        if indexed:
            await self.index.write([entry(user) for user in users])

    async def delete(self, user: User) -> User:
        """The tombstone, which the index has not heard of."""
        gone = replace(a_user(id=user.id), version=user.version + 1, status=Status.DELETED, username=None)
        assert await self.store.write(Write(gone, expected=user.version))
        return gone


@pytest.fixture
def setting() -> Setting:
    return Setting()


SOON = timedelta(milliseconds=60)


async def test_pages_by_cursor(setting: Setting) -> None:
    users = [a_user(given_name=name) for name in ("Ann", "Ann", "Anna", "Annabel", "Bob")]
    await setting.put(*users)
    first = await setting.service.search("ann", first=3)
    assert [hit.score for hit in first.hits] == [24, 24, 20]
    assert (first.total, first.more, first.fresh, first.plan) == (4, True, True, plan("ann"))
    last = await setting.service.search("ann", first=3, after=first.hits[-1].cursor)
    assert [hit.id for hit in (*first.hits, *last.hits)] == [user.id for user in users[:4]]
    assert (last.total, last.more) == (4, False)
    with pytest.raises(BadInput, match="another search"):
        await setting.service.search(
            "ann", first=3, after=first.hits[-1].cursor, filter=parse({"id": {"exists": True}})
        )


async def test_filters_and_facets(setting: Setting) -> None:
    await setting.put(a_user(given_name="Ann", locale="de"), a_user(given_name="Ann", locale="en", roles=("admin",)))
    page = await setting.service.search("ann", facets=["locale", "roles", "locale"])
    assert page.facets == {
        "locale": [FacetValue("de", 1), FacetValue("en", 1)],
        "roles": [FacetValue("admin", 1)],
    }
    assert (await setting.service.search("ann", filter=parse({"locale": {"eq": "de"}}))).total == 1


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"query": "a" * 501}, "query"),
        ({"first": 0}, "first"),
        ({"first": 101}, "first"),
        ({"after": "x"}, "after"),
        ({"facets": ["email"]}, "facets"),
        ({"facets": ["nothing"]}, "facets"),
        ({"wait_for": ["x"]}, "waitFor"),
        ({"timeout": timedelta(seconds=31)}, "timeout"),
        ({"timeout": timedelta(seconds=-1)}, "timeout"),
    ],
)
async def test_bad_input(setting: Setting, arguments: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        await setting.service.search(**{"query": "ann", **arguments})  # type: ignore[arg-type]
    assert refused.value.field == field


async def test_the_longest_wait_is_half_a_minute(setting: Setting) -> None:
    assert (await setting.service.search("ann", timeout=timedelta(seconds=30))).fresh


async def test_it_waits_until_a_write_shows(setting: Setting) -> None:
    user = a_user(given_name="Ann")
    await setting.put(user, indexed=False)
    async with asyncio.TaskGroup() as tasks:
        search = tasks.create_task(setting.service.search("ann", wait_for=[TOKENS.sign(user)]))
        await asyncio.sleep(0.1)
        assert not search.done()
        await setting.index.write([entry(user)])
    assert search.result().fresh
    assert [hit.id for hit in search.result().hits] == [user.id]


async def test_an_older_version_is_not_what_was_waited_for(setting: Setting) -> None:
    user = a_user(given_name="Ann")
    await setting.put(user)
    newer = replace(user, version=2)
    page = await setting.service.search("ann", wait_for=[TOKENS.sign(newer)], timeout=SOON)
    assert (page.fresh, page.total) == (False, 1)
    await setting.index.write([entry(replace(user, version=3))])
    assert (await setting.service.search("ann", wait_for=[TOKENS.sign(newer)], timeout=SOON)).fresh


async def test_what_shows_already_costs_no_read_of_the_store(setting: Setting) -> None:
    user = a_user(given_name="Ann")
    await setting.put(user)
    page = await setting.service.search("ann", wait_for=[TOKENS.sign(user)], timeout=timedelta(0))
    assert page.fresh
    assert setting.store.reads == 0


async def test_it_waits_until_a_deleted_user_is_gone(setting: Setting) -> None:
    user = a_user(given_name="Ann")
    await setting.put(user)
    gone = await setting.delete(user)
    token = TOKENS.sign(gone)
    assert not (await setting.service.search("ann", wait_for=[token], timeout=SOON)).fresh
    await setting.index.write([entry(gone)])
    page = await setting.service.search("ann", wait_for=[token], timeout=SOON)
    assert (page.fresh, page.total) == (True, 0)


async def test_a_write_to_a_user_deleted_since_is_not_waited_for_in_vain(setting: Setting) -> None:
    user = a_user(given_name="Ann")
    await setting.put(user, indexed=False)
    await setting.delete(user)
    begun = time.monotonic()
    assert (await setting.service.search("ann", wait_for=[TOKENS.sign(user), TOKENS.sign(a_user())])).fresh
    assert time.monotonic() - begun < 2


async def test_a_user_deleted_during_the_wait_is_not_waited_for_in_vain(setting: Setting) -> None:
    user = a_user(given_name="Ann")
    await setting.put(user, indexed=False)
    async with asyncio.TaskGroup() as tasks:
        waiting = setting.service.search("ann", wait_for=[TOKENS.sign(user)], timeout=timedelta(seconds=30))
        search = tasks.create_task(waiting)
        await asyncio.sleep(0.1)
        assert not search.done()
        await setting.delete(user)
    assert search.result().fresh


async def test_without_the_store_it_waits_on(setting: Setting) -> None:
    user = a_user(given_name="Ann")
    await setting.put(user, indexed=False)
    setting.store.down = True
    assert not (await setting.service.search("ann", wait_for=[TOKENS.sign(user)], timeout=SOON)).fresh
    await setting.index.write([entry(user)])
    assert (await setting.service.search("ann", wait_for=[TOKENS.sign(user)], timeout=SOON)).fresh


async def test_of_two_changes_of_a_user_the_newer_one_counts(setting: Setting) -> None:
    user = a_user(given_name="Ann")
    await setting.put(user)
    gone = await setting.delete(user)
    for tokens in ([TOKENS.sign(user), TOKENS.sign(gone)], [TOKENS.sign(gone), TOKENS.sign(user)]):
        assert not (await setting.service.search("ann", wait_for=tokens, timeout=SOON)).fresh


async def test_no_more_than_a_thousand_changes_are_waited_for(setting: Setting) -> None:
    users = [a_user() for _ in range(1_001)]
    await setting.put(*users)
    tokens = [TOKENS.sign_many(users[:1_000]), TOKENS.sign(users[1_000])]
    assert (await setting.service.search("ann", wait_for=tokens[:1], timeout=SOON)).fresh
    for too_many in (tokens, [tokens[1]] * 1_001):
        with pytest.raises(BadInput, match="more than 1000 changes"):
            await setting.service.search("ann", wait_for=too_many, timeout=SOON)


@pytest.mark.parametrize(("timeout", "seconds"), [(timedelta(seconds=10), 10), (None, 5)])
async def test_what_does_not_show_is_asked_for_ever_more_seldom(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, timeout: timedelta | None, seconds: float
) -> None:
    now, pauses = 0.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        pauses.append(round(seconds, 3))

    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(service, "asyncio", SimpleNamespace(sleep=sleep, timeout=asyncio.timeout))
    user = a_user(given_name="Ann")
    await setting.put(user, indexed=False)
    assert not (await setting.service.search("ann", wait_for=[TOKENS.sign(user)], timeout=timeout)).fresh
    assert pauses[:2] == [0.02, 0.025]
    assert max(pauses[:20]) == 0.1
    assert max(pauses) == 0.5
    assert len(pauses) < 50
    assert now == pytest.approx(seconds)


async def test_the_wait_leaves_time_for_the_search_before_the_answer_is_due(setting: Setting) -> None:
    user = a_user(given_name="Ann")
    await setting.put(user, indexed=False)
    due = time.monotonic() + 0.2
    page = await setting.service.search("ann", wait_for=[TOKENS.sign(user)], due=due)
    assert not page.fresh
    assert time.monotonic() < due + 4  # not the 5 s of the wait


async def test_a_call_that_hangs_does_not_hold_the_wait_beyond_what_is_due(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: Sequence[str]) -> Mapping[str, int]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(setting.index, "versions", hang)
    page = await setting.service.search("ann", wait_for=[TOKENS.sign(a_user())], due=time.monotonic() + 0.2)
    assert not page.fresh


async def test_suggestions_begin_as_typed_and_only_then_may_be_typos(setting: Setting) -> None:
    martin, marten = a_user(given_name="Martin"), a_user(given_name="Marten")
    await setting.put(martin, marten)
    assert [hit.id for hit in await setting.service.suggest("marti")] == [martin.id]
    assert [hit.id for hit in await setting.service.suggest("martin")] == [martin.id]
    assert {hit.id for hit in await setting.service.suggest("martun")} == {martin.id, marten.id}
    assert len(await setting.service.suggest("mart", first=1)) == 1


async def test_a_prefix_that_is_too_long_is_called_by_its_name(setting: Setting) -> None:
    with pytest.raises(BadInput, match="prefix is longer than 500 characters") as refused:
        await setting.service.suggest("a" * 501)
    assert refused.value.field == "prefix"


class Down(Oracle):
    async def search(self, request: SearchRequest) -> SearchResult:
        raise SearchUnavailable()

    async def versions(self, ids: Sequence[str]) -> Mapping[str, int]:
        raise SearchUnavailable()


async def test_an_engine_that_is_down_is_reported_at_once(setting: Setting) -> None:
    service = SearchService(Down(), setting.store, TOKENS)
    with pytest.raises(SearchUnavailable):
        await service.search("ann", wait_for=[TOKENS.sign(a_user())])
    with pytest.raises(SearchUnavailable):
        await service.suggest("ann")
