"""searchUsers and suggestUsers."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from domain.clock import now, to_text
from domain.errors import SearchUnavailable, StoreUnavailable
from domain.search.document import IndexEntry
from domain.search.query import SearchRequest
from domain.users.service import UserService
from tests.unit.graph.api import Api, open_api

SEARCH = """
query($query: String!, $filter: UserFilter, $facets: [UserFacet!], $first: Int, $after: String, $waitFor: [String!],
      $timeout: Float) {
  searchUsers(query: $query, filter: $filter, facets: $facets, first: $first, after: $after, waitFor: $waitFor,
              timeout: $timeout) {
    edges { cursor score node { username } highlights { field fragments { text hit } } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
    totalCount facets { field values { value count } } fresh
  }
}
"""
NAMES = "query($query: String!) { searchUsers(query: $query) { totalCount edges { node { username } } } }"


async def test_hits_have_scores_highlights_and_users(api: Api) -> None:
    await api.create(username="nvelazquez", givenName="Nydia", familyName="Velázquez")
    await api.create(username="other", givenName="Somebody")
    found = (await api.data(SEARCH, {"query": "velazquez nyd"}))["searchUsers"]
    (edge,) = found["edges"]
    assert edge["node"] == {"username": "nvelazquez"}
    assert edge["score"] > 0
    highlights = {item["field"]: item["fragments"] for item in edge["highlights"]}
    assert highlights["familyName"] == [{"text": "Velázquez", "hit": True}]
    assert highlights["givenName"] == [{"text": "Nyd", "hit": True}, {"text": "ia", "hit": False}]
    assert found["totalCount"] == 1
    assert found["fresh"] is True


async def test_pages_filters_and_facets(api: Api) -> None:
    for number in range(5):
        await api.create(username=f"maria{number}", givenName="Maria", locale="pt-BR" if number < 3 else "es-MX")
    names: list[str] = []
    after = None
    while True:
        page = (await api.data(SEARCH, {"query": "maria", "first": 2, "after": after, "facets": ["LOCALE", "STATUS"]}))[
            "searchUsers"
        ]
        assert page["totalCount"] == 5
        assert page["facets"] == [
            {"field": "LOCALE", "values": [{"value": "pt-BR", "count": 3}, {"value": "es-MX", "count": 2}]},
            {"field": "STATUS", "values": [{"value": "ACTIVE", "count": 5}]},
        ]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        names += [edge["node"]["username"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sorted(names) == [f"maria{number}" for number in range(5)]
    filtered = await api.data(SEARCH, {"query": "maria", "filter": {"locale": {"eq": "es-MX"}}})
    assert filtered["searchUsers"]["totalCount"] == 2


async def test_a_user_gone_since_is_left_out_while_cursors_advance(api: Api) -> None:
    users = [await api.create(username=f"maria{number}") for number in range(3)]
    await UserService(api.store).delete(users[1].id)
    page = (await api.data(SEARCH, {"query": "maria", "first": 2}))["searchUsers"]
    assert [edge["node"]["username"] for edge in page["edges"]] == ["maria0"]
    assert page["pageInfo"]["hasNextPage"] is True
    page = await api.data(SEARCH, {"query": "maria", "first": 2, "after": page["pageInfo"]["endCursor"]})
    assert [edge["node"]["username"] for edge in page["searchUsers"]["edges"]] == ["maria2"]


async def test_a_hit_shows_the_user_as_the_store_has_it(api: Api) -> None:
    user = await api.create(username="ada", givenName="Old")
    await UserService(api.store).update(user.id, {"username": "countess"})
    data = await api.data(NAMES, {"query": "old"})
    assert data["searchUsers"]["edges"] == [{"node": {"username": "countess"}}]


async def test_without_the_store_hits_remain_and_their_nodes_fail(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.create(username="ada")

    async def fail(_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(api.store, "get", fail)
    body = await api.post(
        '{ searchUsers(query: "ada") { totalCount edges { score node { id } } } users { totalCount } }'
    )
    assert body["data"]["searchUsers"]["totalCount"] == 1
    assert [edge["node"] for edge in body["data"]["searchUsers"]["edges"]] == [None]
    assert [(error["path"], error["extensions"]["code"]) for error in body["errors"]] == [
        (["searchUsers", "edges", 0, "node"], "STORE_UNAVAILABLE")
    ]


async def test_without_the_index_only_search_fails(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.create(username="ada")

    async def fail(_: SearchRequest) -> None:
        raise SearchUnavailable

    monkeypatch.setattr(api.index, "search", fail)
    body = await api.post(
        '{ searchUsers(query: "a") { totalCount } suggestUsers(prefix: "a") { id } users { totalCount } }'
    )
    assert body["data"] == {"searchUsers": None, "suggestUsers": None, "users": {"totalCount": 1}}
    assert {error["extensions"]["code"] for error in body["errors"]} == {"SEARCH_UNAVAILABLE"}


async def test_a_search_waits_for_the_change_of_a_token(api: Api) -> None:
    create = 'mutation { createUser(input: {username: "ada"}) { changeToken user { id } } }'
    created = (await api.data(create))["createUser"]
    stale = await api.data(SEARCH, {"query": "ada", "waitFor": [created["changeToken"]], "timeout": 0.05})
    assert stale["searchUsers"]["fresh"] is False
    assert stale["searchUsers"]["totalCount"] == 0

    async def index_soon() -> None:
        await asyncio.sleep(0.05)
        await api.indexed(list((await api.store.get([created["user"]["id"]])).values()))

    fresh, _ = await asyncio.gather(
        api.data(SEARCH, {"query": "ada", "waitFor": [created["changeToken"]]}), index_soon()
    )
    assert fresh["searchUsers"]["fresh"] is True
    assert fresh["searchUsers"]["totalCount"] == 1


async def test_a_wait_ends_before_the_request_is_given_up(tmp_path: Path) -> None:
    async with open_api(tmp_path, request_timeout=2) as api:
        create = 'mutation { createUser(input: {username: "ada"}) { changeToken } }'
        token = (await api.data(create))["createUser"]["changeToken"]
        stale = await api.data(SEARCH, {"query": "ada", "waitFor": [token]})
    assert stale["searchUsers"]["fresh"] is False


async def test_a_search_waits_for_a_deletion(api: Api) -> None:
    user = await api.create(username="ada")
    delete = "mutation($id: ID!) { deleteUser(input: {id: $id}) { changeToken } }"
    token = (await api.data(delete, {"id": user.id}))["deleteUser"]["changeToken"]
    stale = await api.data(SEARCH, {"query": "ada", "waitFor": [token], "timeout": 0})
    assert stale["searchUsers"]["fresh"] is False
    await api.index.write([IndexEntry(user.id, 2, None)])
    fresh = await api.data(SEARCH, {"query": "ada", "waitFor": [token]})
    assert (fresh["searchUsers"]["fresh"], fresh["searchUsers"]["totalCount"]) == (True, 0)


async def test_suggestions_are_users_in_order_of_score(api: Api) -> None:
    await api.create(username="mario")
    await api.create(username="x", givenName="Mar")
    gone = await api.create(username="mara")
    await UserService(api.store).delete(gone.id)
    data = await api.data('{ suggestUsers(prefix: "mar", first: 5) { username } }')
    assert data == {"suggestUsers": [{"username": "x"}, {"username": "mario"}]}


async def test_users_are_not_read_for_counts_alone(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.create(username="ada")

    async def fail(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(api.store, "get", fail)
    assert (await api.data('{ searchUsers(query: "ada") { totalCount } }'))["searchUsers"]["totalCount"] == 1


async def test_the_lag_of_the_index_is_what_the_pipelines_say(api: Api) -> None:
    query = '{ searchUsers(query: "ada") { indexLag } serviceInfo { indexLag } }'
    await api.ledger.write("status:a", {"lagSeconds": 0.25, "at": to_text(now())}, expected=0)
    await api.ledger.write("status:b", {"lagSeconds": 1, "at": to_text(now() - timedelta(seconds=2))}, expected=0)
    assert await api.data(query) == {"searchUsers": {"indexLag": 1.25}, "serviceInfo": {"indexLag": 1.25}}
