"""What a router of a federated graph asks: _service and _entities."""

from pathlib import Path

import pytest
from graphql import parse

from tests.unit.graph.api import Api, open_api

ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on User { id username } } }"
UNKNOWN = "01J9ZK3V5N8Q2R4T6W8Y0ABCDE"


async def test_entities_come_in_order_and_an_unknown_one_is_null(api: Api) -> None:
    ada, bob = await api.create(username="ada"), await api.create(username="bob")
    wanted = [{"__typename": "User", "id": id} for id in (bob.id, UNKNOWN, ada.id)]
    found = (await api.data(ENTITIES, {"r": wanted}))["_entities"]
    assert found == [
        {"__typename": "User", "id": bob.id, "username": "bob"},
        None,
        {"__typename": "User", "id": ada.id, "username": "ada"},
    ]


async def test_all_entities_are_one_read(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [await api.create(username=f"user{number}") for number in range(5)]
    reads: list[int] = []
    get = api.store.get

    async def counted(ids: list[str]) -> object:
        reads.append(len(ids))
        return await get(ids)

    monkeypatch.setattr(api.store, "get", counted)
    await api.data(ENTITIES, {"r": [{"__typename": "User", "id": user.id} for user in users]})
    assert reads == [5]


async def test_a_caller_gets_only_whom_it_may_read(api: Api) -> None:
    ada, bob = await api.create(username="ada"), await api.create(username="bob")
    wanted = [{"__typename": "User", "id": id} for id in (ada.id, bob.id)]
    body = await api.post(ENTITIES, {"r": wanted}, subject=ada.id, scope="")
    assert body["data"]["_entities"] == [{"__typename": "User", "id": ada.id, "username": "ada"}, None]
    (error,) = body["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["_entities", 1], "FORBIDDEN")


@pytest.mark.parametrize(
    "representation",
    [7, "x", [], {}, {"id": UNKNOWN}, {"__typename": "Post", "id": UNKNOWN}, {"__typename": "User"},
     {"__typename": "User", "id": 7}, {"__typename": "User", "id": "x"}],
    ids=str,
)  # fmt: skip
async def test_a_bad_representation_fails_alone(api: Api, representation: object) -> None:
    ada = await api.create(username="ada")
    body = await api.post(ENTITIES, {"r": [representation, {"__typename": "User", "id": ada.id}]})
    assert body["data"]["_entities"] == [None, {"__typename": "User", "id": ada.id, "username": "ada"}]
    (error,) = body["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["_entities", 0], "BAD_USER_INPUT")


async def test_a_thousand_at_most(api: Api) -> None:
    (error,) = await api.errors(ENTITIES, {"r": [{"__typename": "User", "id": UNKNOWN}] * 1001})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_service_tells_the_schema_with_its_keys(api: Api) -> None:
    sdl = (await api.data("{ _service { sdl } }"))["_service"]["sdl"]
    parse(sdl)
    assert 'type User implements Node @key(fields: "id") {' in sdl
    assert "type PageInfo @shareable {" in sdl
    assert "https://specs.apollo.dev/federation/v2" in sdl


async def test_service_is_introspection(tmp_path: Path) -> None:
    async with open_api(tmp_path, introspection=False) as api:
        (error,) = await api.errors("{ _service { sdl } }")
        assert error["extensions"]["code"] == "FORBIDDEN"
