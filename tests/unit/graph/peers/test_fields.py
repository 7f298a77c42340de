"""Fields of users that a peer gives: one call, the client's own selection, and errors where they belong."""

from typing import Any

import pytest

from domain.clock import now
from domain.identity.caller import Caller, Right
from domain.peers.sdl import read_peer_schema
from domain.search.change_token import ChangeTokens
from domain.search.service import SearchService
from domain.settings import Mode, Settings
from domain.users.service import UserService
from graph.context import Context, Services
from graph.errors import present
from graph.index_lag import IndexLag
from graph.schema import Schema, build_schema
from tests.contract.search.oracle import Oracle
from tests.contract.users.memory import MemoryDatabase, MemoryLedger, MemoryUserStore
from tests.unit.graph.peers.posts import SDL, Posts

FRAGMENTS = """
query($n: Int, $loud: Boolean!, $yes: Boolean!) {
  users(first: 10) { edges { node { username ...Written ...Mine } } }
}
fragment Mine on User { mine: posts(first: $n) { ... on Post @include(if: $yes) { id } } }
fragment Written on User { posts { ...Titles } posts { id } }
fragment Titles on Titled { title ...Shouted }
fragment Shouted on Post { it: shout(loud: $loud) }
"""


class World:
    """A schema with the peer's fields, three users, and the peer."""

    def __init__(self) -> None:
        database = MemoryDatabase()
        store, tokens = MemoryUserStore(database), ChangeTokens(b"0123456789abcdef")
        self.users, self.peer = UserService(store, clock=now), Posts()
        self.schema: Schema = build_schema(
            Settings.model_construct(), [read_peer_schema(SDL, "posts.graphql", {"posts"}, {}, {})]
        )
        self.services = Services(
            users=self.users,
            search=SearchService(Oracle(), store, tokens),
            change_tokens=tokens,
            index_lag=IndexLag(MemoryLedger(database)),
            version="1",
            mode=Mode.EMBEDDED,
            peers=self.peer,
        )

    async def create(self, *names: str) -> list[str]:
        return [(await self.users.create({"username": name})).id for name in names]

    async def ask(self, query: str, **variables: Any) -> tuple[Any, list[dict[str, Any]]]:
        context = Context(self.services, Caller("a-service", frozenset({Right.READ})))
        result = await self.schema.execute(query, variable_values=variables, context_value=context)
        return result.data, present(result.errors or [])


@pytest.fixture
def world() -> World:
    return World()


async def test_all_users_of_a_page_are_asked_for_in_one_call(world: World) -> None:
    ids = await world.create("ada", "bob", "cid")
    data, errors = await world.ask(
        "{ users(first: 10) { edges { node { id posts { title } latest { ... on Post { id } } } } } }"
    )
    assert errors == []
    nodes = [edge["node"] for edge in data["users"]["edges"]]
    assert [node["id"] for node in nodes] == ids
    for node in nodes:
        assert node["posts"] == [{"title": f"{number} of {node['id']}"} for number in range(2)]
        assert node["latest"] == {"id": f"{node['id']}-0"}
    (call,) = world.peer.calls
    assert call.text.count("_entities(") == 1


async def test_defaults_of_our_schema_are_sent(world: World) -> None:
    await world.create("ada")
    await world.ask("{ users(first: 1) { edges { node { posts { shout } } } } }")
    (call,) = world.peer.calls
    assert "posts(first: 2)" in call.text
    assert "shout(loud: false)" in call.text


async def test_only_what_is_selected_is_forwarded(world: World) -> None:
    await world.create("ada")
    await world.ask("{ users(first: 1) { edges { node { posts(first: 1) { title } } } } }")
    (call,) = world.peer.calls
    assert "title" in call.text
    assert "likes" not in call.text
    assert "latest" not in call.text
    assert "username" not in call.text


async def test_fragments_aliases_variables_and_defaults_arrive(world: World) -> None:
    (id,) = await world.create("ada")
    data, errors = await world.ask(FRAGMENTS, n=1, loud=True, yes=True)
    assert [error["path"] for error in errors] == [["users", "edges", 0, "node", "posts"]]
    assert {error["extensions"]["code"] for error in errors} == {"PEER_UNAVAILABLE"}
    node = data["users"]["edges"][0]["node"]
    assert node["mine"] == [{"id": f"{id}-0"}]
    assert node["username"] == "ada"
    assert node["posts"] is None  # a non-null field of its second post failed at the peer
    assert len(world.peer.calls) == 1


async def test_arguments_of_every_kind_arrive(world: World) -> None:
    (id,) = await world.create("ada")
    query = """query($id: ID!, $t: Tags) {
      node(id: $id) { ... on User { posts(first: 1, kind: LONG, tags: $t) { title } } }
    }"""
    data, errors = await world.ask(query, id=id, t={"all": ["x"]})
    assert errors == []
    assert data["node"]["posts"] == [{"title": f"0 of {id} LONG ['x']"}]


async def test_users_of_whom_different_things_are_asked_share_the_call(world: World) -> None:
    ada, bob = await world.create("ada", "bob")
    query = """query($a: ID!, $b: ID!) {
      a: user(id: $a) { posts(first: 1) { id } } b: user(id: $b) { posts(first: 2) { title } }
      c: user(id: $b) { latest { __typename } }
    }"""
    data, errors = await world.ask(query, a=ada, b=bob)
    assert errors == []
    assert data["a"]["posts"] == [{"id": f"{ada}-0"}]
    assert len(data["b"]["posts"]) == 2
    assert data["c"]["latest"] == {"__typename": "Post"}
    assert len(world.peer.calls) == 1


async def test_a_failing_peer_takes_its_own_fields_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.create("ada", "bob")
    monkeypatch.setattr(world.peer, "change", lambda _: "no")
    data, errors = await world.ask("{ users(first: 2) { totalCount edges { node { username posts { id } } } } }")
    assert data["users"]["totalCount"] == 2
    assert [edge["node"] for edge in data["users"]["edges"]] == [
        {"username": "ada", "posts": None},
        {"username": "bob", "posts": None},
    ]
    assert [error["path"] for error in errors] == [["users", "edges", row, "node", "posts"] for row in range(2)]
    assert all("posts" in error["message"] for error in errors)


def _with(path: list[Any], value: Any) -> Any:
    def change(body: Any) -> Any:
        parent = body
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = value
        return body

    return change


WRONG = {
    "a list that is none": _with(["data", "e0", 0, "f0"], {"id": 1}),
    "a null that may not be": _with(["data", "e0", 0, "f0", 0, "title"], None),
    "a number for a text": _with(["data", "e0", 0, "f0", 0, "title"], 5),
    "another type": _with(["data", "e0", 0, "f0", 0, "__typename"], "Photo"),
    "another user": _with(["data", "e0", 0, "id"], "01J9ZK3V5N8Q2R4T6W8Y0ABCDE"),
    "no user at all": _with(["data", "e0", 0, "__typename"], "Post"),
    "an entity too few": _with(["data", "e0"], []),
    "an entity too many": _with(["data", "e0"], [None, None]),
    "no data": _with(["data"], None),
    "no list": _with(["data", "e0"], {}),
    "no entity": _with(["data", "e0", 0], 7),
    "a lost field": _with(["data", "e0", 0], {"__typename": "User", "id": "?"}),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_does_not_fit_is_an_error_of_that_field(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await world.create("ada")
    monkeypatch.setattr(world.peer, "change", WRONG[name])
    data, errors = await world.ask("{ users(first: 1) { edges { node { username posts { title } } } } }")
    assert data["users"]["edges"][0]["node"] == {"username": "ada", "posts": None}
    (error,) = errors
    assert error["extensions"]["code"] == "PEER_UNAVAILABLE"
    assert error["message"].startswith("The service posts is not available (")


async def test_an_entity_that_the_peer_does_not_know_is_null_without_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.create("ada", "bob")
    monkeypatch.setattr(world.peer, "change", _with(["data", "e0", 0], None))
    data, errors = await world.ask("{ users(first: 2) { edges { node { posts { id } } } } }")
    assert errors == []
    assert [bool(edge["node"]["posts"]) for edge in data["users"]["edges"]] == [False, True]


async def test_partial_data_keeps_its_good_parts(world: World) -> None:
    await world.create("ada")
    data, errors = await world.ask("{ users(first: 1) { edges { node { posts { related { title } likes } } } } }")
    assert errors == []
    assert data["users"]["edges"][0]["node"]["posts"][1] == {"related": [{"title": "7 of x"}, None], "likes": 1}


def test_the_committed_schema_has_no_peers(world: World) -> None:
    fresh = build_schema(Settings.model_construct()).core
    assert "Post" not in fresh.type_map
    assert "Post" in world.schema.core.type_map
