"""user, userBy, users, node, nodes and me."""

import pytest

from tests.unit.graph.api import Api

LIST = """
query($filter: UserFilter, $orderBy: UserOrder, $first: Int, $after: String, $last: Int, $before: String) {
  users(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { username } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


async def test_every_field_of_a_user_is_as_it_is_stored(api: Api) -> None:
    user = await api.create(
        username="Ada",
        email="ada@example.org",
        givenName="Ada",
        phone="+14155550123",
        roles=["b", "a"],
        attributes={"team": "engine", "level": 3, "tags": ["x"]},
    )
    data = await api.data(
        """query($id: ID!) { user(id: $id) { id username externalId email emailVerified givenName familyName phone roles
        status attributes version createdAt updatedAt statusChangedAt } }""",
        {"id": user.id},
    )
    at = f"{user.created_at:%Y-%m-%dT%H:%M:%S}.{user.created_at.microsecond // 1000:03d}Z"
    assert data["user"] == {
        "id": user.id,
        "username": "Ada",
        "externalId": None,
        "email": "ada@example.org",
        "emailVerified": False,
        "givenName": "Ada",
        "familyName": None,
        "phone": "+14155550123",
        "roles": ["a", "b"],
        "status": "ACTIVE",
        "attributes": {"team": "engine", "level": 3, "tags": ["x"]},
        "version": 1,
        "createdAt": at,
        "updatedAt": at,
        "statusChangedAt": at,
    }


@pytest.mark.parametrize("key", [{"username": "ADA"}, {"email": "ADA@example.org"}, {"externalId": "e-1"}])
async def test_a_user_is_found_by_each_unique_name(api: Api, key: dict[str, str]) -> None:
    user = await api.create(username="Ada", email="ada@example.org", externalId="e-1")
    await api.create(username="Bob")
    data = await api.data("query($by: UserKey!) { userBy(by: $by) { id } }", {"by": key})
    assert data == {"userBy": {"id": user.id}}


async def test_unknown_and_deleted_users_are_null(api: Api) -> None:
    user = await api.create(username="gone")
    await api.data("mutation($id: ID!) { deleteUser(input: {id: $id}) { user { version } } }", {"id": user.id})
    unknown = user.id[:-4] + "0000"
    data = await api.data(
        """query($id: ID!, $unknown: ID!) {
          user(id: $id) { id }  node(id: $id) { id }  userBy(by: {username: "gone"}) { id }
          nodes(ids: [$id, $unknown]) { id }  unknown: user(id: $unknown) { id }
        }""",
        {"id": user.id, "unknown": unknown},
    )
    assert data == {"user": None, "node": None, "userBy": None, "nodes": [None, None], "unknown": None}


async def test_nodes_keep_their_order_and_fail_one_by_one(api: Api) -> None:
    one, two = await api.create(username="one"), await api.create(username="two")
    body = await api.post(
        "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", {"ids": [two.id, "bad", one.id, two.id]}
    )
    assert [node and node["id"] for node in body["data"]["nodes"]] == [two.id, None, one.id, two.id]
    assert [(error["path"], error["extensions"]["code"]) for error in body["errors"]] == [
        (["nodes", 1], "BAD_USER_INPUT")
    ]


async def test_me_is_the_user_of_the_token(api: Api) -> None:
    user = await api.create(username="Ada")
    assert await api.data("{ me { username } }", subject=user.id, scope="") == {"me": {"username": "Ada"}}


async def test_one_request_reads_each_user_once_and_all_together(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [await api.create(username=f"u{n}") for n in range(3)]
    reads: list[list[str]] = []
    get = api.store.get

    async def counted(ids: list[str]) -> object:
        reads.append(list(ids))
        return await get(ids)

    monkeypatch.setattr(api.store, "get", counted)
    fields = " ".join(f'f{n}: user(id: "{user.id}") {{ id }}' for n, user in enumerate([*users, users[0]]))
    await api.data(f"{{ {fields} }}")
    assert reads == [[user.id for user in users]]


async def test_pages_forward_and_backward_meet_every_user_once(api: Api) -> None:
    for name in ("d", "a", "c", "e", "b"):
        await api.create(username=name)
    order = {"field": "USERNAME", "direction": "ASC"}

    names: list[str] = []
    after = None
    while True:
        page = (await api.data(LIST, {"orderBy": order, "first": 2, "after": after}))["users"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        names += [edge["node"]["username"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert names == ["a", "b", "c", "d", "e"]

    page = (await api.data(LIST, {"orderBy": order, "last": 2, "before": after}))["users"]
    assert [edge["node"]["username"] for edge in page["edges"]] == ["c", "d"]
    assert page["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": True,
        "startCursor": page["edges"][0]["cursor"],
        "endCursor": page["edges"][1]["cursor"],
    }


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ({"username": {"eq": "ADA"}}, ["ada"]),
        ({"username": {"ne": "ada"}}, ["bob", "cy"]),
        ({"username": {"in": ["Ada", "cy"]}}, ["ada", "cy"]),
        ({"username": {"startsWith": "b"}}, ["bob"]),
        ({"email": {"exists": True}}, ["ada"]),
        ({"not": {"email": {"exists": True}}}, ["bob", "cy"]),
        ({"or": [{"username": {"eq": "ada"}}, {"roles": {"eq": "ops"}}]}, ["ada", "bob"]),
        ({"and": [{"roles": {"eq": "ops"}}, {"version": {"gte": 1}}]}, ["bob"]),
        ({"status": {"in": ["ACTIVE"]}}, ["ada", "bob", "cy"]),
        ({"status": {"eq": "SUSPENDED"}}, []),
        ({"attributes": [{"key": "level", "eq": 3}]}, ["cy"]),
        ({"attributes": [{"key": "level", "in": [1, 3]}, {"key": "none", "exists": False}]}, ["cy"]),
        ({"emailVerified": {"eq": False}}, ["ada"]),
        ({"createdAt": {"gt": "2020-01-01T00:00:00+01:00", "lt": "2999-01-01T00:00:00Z"}}, ["ada", "bob", "cy"]),
        ({"createdAt": {"lt": "2020-01-01T00:00:00.5Z"}}, []),
        ({}, ["ada", "bob", "cy"]),
        (None, ["ada", "bob", "cy"]),
    ],
)
async def test_filters_reach_the_store(api: Api, filter: object, names: list[str]) -> None:
    await api.create(username="ada", email="ada@example.org")
    await api.create(username="bob", roles=["ops"])
    await api.create(username="cy", attributes={"level": 3})
    data = await api.data(
        "query($filter: UserFilter) { users(filter: $filter) { totalCount edges { node { username } } } }",
        {"filter": filter},
    )
    assert sorted(edge["node"]["username"] for edge in data["users"]["edges"]) == names
    assert data["users"]["totalCount"] == len(names)


async def test_users_are_counted_only_when_asked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> int:
        raise AssertionError

    monkeypatch.setattr(api.store, "count", fail)
    await api.data("{ users { edges { cursor } } }")
