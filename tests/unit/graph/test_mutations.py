"""createUser, updateUser, suspendUser, reactivateUser, deleteUser and importUsers."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.errors import NewerSchema, StoreUnavailable
from domain.users.store import Write
from tests.unit.graph.api import Api

USER = "user { id username email emailVerified givenName roles status version attributes } changeToken"
ERRORS = "userErrors { code message field }"
CREATE = f"mutation($input: CreateUserInput!) {{ createUser(input: $input) {{ {USER} {ERRORS} }} }}"
UPDATE = f"mutation($input: UpdateUserInput!) {{ updateUser(input: $input) {{ {USER} {ERRORS} }} }}"
IMPORT = f"""
mutation($input: ImportUsersInput!) {{
  importUsers(input: $input) {{
    results {{ outcome user {{ id username givenName }} error {{ code message field }} }} changeToken {ERRORS}
  }}
}}
"""


def command(name: str) -> str:
    kind = name[0].upper() + name[1:] + "Input"
    return (
        f"mutation($input: {kind}!) {{ {name}(input: $input) {{ user {{ id status version }} changeToken {ERRORS} }} }}"
    )


async def test_a_created_user_is_stored_and_signed_for(api: Api) -> None:
    payload = (await api.data(CREATE, {"input": {"username": "Ada", "email": "ada@example.org", "roles": None}}))[
        "createUser"
    ]
    assert payload["userErrors"] == []
    assert payload["changeToken"]
    assert payload["user"]["version"] == 1
    assert payload["user"]["emailVerified"] is False
    stored = (await api.store.get([payload["user"]["id"]]))[payload["user"]["id"]]
    assert (stored.username, stored.email) == ("Ada", "ada@example.org")


async def test_an_update_leaves_what_is_absent_and_clears_what_is_null(api: Api) -> None:
    user = await api.create(
        username="ada", email="ada@example.org", givenName="Ada", roles=["a"], attributes={"keep": 1, "drop": 2}
    )
    payload = (
        await api.data(
            UPDATE, {"input": {"id": user.id, "givenName": None, "attributes": {"drop": None, "new": {"a": [1]}}}}
        )
    )["updateUser"]
    assert payload["userErrors"] == []
    assert payload["user"] == {
        "id": user.id,
        "username": "ada",
        "email": "ada@example.org",
        "emailVerified": False,
        "givenName": None,
        "roles": ["a"],
        "status": "ACTIVE",
        "version": 2,
        "attributes": {"keep": 1, "new": {"a": [1]}},
    }


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"username": "TAKEN"}, "NOT_UNIQUE", "username"),
        ({"username": None}, "BAD_USER_INPUT", "username"),
        ({"phone": "not a phone"}, "BAD_USER_INPUT", "phone"),
        ({"expectedVersion": 7, "givenName": "x"}, "CONFLICT", "expectedVersion"),
        ({"expectedVersion": 0, "givenName": "x"}, "CONFLICT", "expectedVersion"),
        ({"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "givenName": "x"}, "NOT_FOUND", "id"),
        ({"id": "not-an-id", "givenName": "x"}, "BAD_USER_INPUT", "id"),
    ],
)
async def test_what_a_client_must_expect_is_data(api: Api, changes: dict[str, Any], code: str, field: str) -> None:
    await api.create(username="taken")
    user = await api.create(username="ada")
    payload = (await api.data(UPDATE, {"input": {"id": user.id} | changes}))["updateUser"]
    assert payload["user"] is None
    assert payload["changeToken"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]
    assert (await api.store.get([user.id]))[user.id].version == 1


async def test_the_life_of_a_user(api: Api) -> None:
    user = await api.create(username="zoe", email="zoe@example.org")
    for version, (name, status) in enumerate(
        [("suspendUser", "SUSPENDED"), ("reactivateUser", "ACTIVE"), ("deleteUser", "DELETED")], 2
    ):
        payload = (await api.data(command(name), {"input": {"id": user.id, "expectedVersion": version - 1}}))[name]
        assert payload["user"] == {"id": user.id, "status": status, "version": version}
        assert payload["changeToken"]
    tombstone = api.database.documents[user.id]
    assert "zoe" not in str(tombstone)  # letters that no digest in hexadecimal has


@pytest.mark.parametrize("name", ["suspendUser", "reactivateUser", "deleteUser"])
@pytest.mark.parametrize(
    ("input", "code"),
    [
        ({"expectedVersion": 3}, "CONFLICT"),
        ({"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "NOT_FOUND"),
        ({"id": "x"}, "BAD_USER_INPUT"),
    ],
)
async def test_a_refused_command_changes_nothing(api: Api, name: str, input: dict[str, Any], code: str) -> None:
    user = await api.create(username="ada")
    payload = (await api.data(command(name), {"input": {"id": user.id} | input}))[name]
    assert [error["code"] for error in payload["userErrors"]] == [code]
    assert api.database.documents[user.id]["version"] == 1


async def test_each_row_of_an_import_succeeds_or_fails_alone(api: Api) -> None:
    known = await api.create(username="known", givenName="Old", externalId="k-1")
    rows = [
        {"username": "KNOWN", "givenName": "New"},
        {"username": "fresh", "givenName": None},
        {"username": "bad", "email": "no address"},
        {"givenName": "nameless"},
        {"username": "clash", "externalId": "k-1"},
        {"username": "fresh"},
    ]
    payload = (await api.data(IMPORT, {"input": {"by": "USERNAME", "rows": rows}}))["importUsers"]
    assert payload["userErrors"] == []
    assert payload["changeToken"]
    results = payload["results"]
    assert [result["outcome"] for result in results] == [
        "UPDATED", "CREATED", "REJECTED", "REJECTED", "REJECTED", "UNCHANGED",
    ]  # fmt: skip
    assert results[0]["user"] == {"id": known.id, "username": "KNOWN", "givenName": "New"}
    assert [result["error"] and (result["error"]["code"], result["error"]["field"]) for result in results] == [
        None,
        None,
        ("BAD_USER_INPUT", "email"),
        ("BAD_USER_INPUT", "username"),
        ("NOT_UNIQUE", "externalId"),
        None,
    ]


async def test_a_row_that_fails_inside_is_masked_and_the_others_are_imported(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = api.store.write

    async def fail_for_one(each: Write) -> bool:
        if each.user.username == "newer":
            raise NewerSchema(each.user.id, schema=9, known=1)
        return await write(each)

    monkeypatch.setattr(api.store, "write", fail_for_one)
    with capture_logs() as logs:
        rows = [{"username": "newer"}, {"username": "fresh"}]
        payload = (await api.data(IMPORT, {"input": {"by": "USERNAME", "rows": rows}}))["importUsers"]
    failed, fine = payload["results"]
    assert (failed["outcome"], fine["outcome"]) == ("REJECTED", "CREATED")
    (logged,) = logs
    assert logged["trace"][0] == "NewerSchema"
    assert failed["error"] == {
        "code": "INTERNAL",
        "message": f"Something went wrong in this service: its log has it under {logged['correlation_id']}.",
        "field": None,
    }


async def test_an_import_of_too_many_rows_is_refused_whole(api: Api) -> None:
    rows = [{"username": f"u{n}"} for n in range(1001)]
    payload = (await api.data(IMPORT, {"input": {"by": "USERNAME", "rows": rows}}))["importUsers"]
    assert payload["results"] is None
    assert payload["changeToken"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("BAD_USER_INPUT", "rows")]
    assert api.database.documents == {}


async def test_a_thousand_rows_are_imported(api: Api) -> None:
    rows = [{"externalId": f"e{n}", "username": f"u{n}"} for n in range(1000)]
    payload = (await api.data(IMPORT, {"input": {"by": "EXTERNAL_ID", "rows": rows}}))["importUsers"]
    assert {result["outcome"] for result in payload["results"]} == {"CREATED"}
    assert len(api.database.documents) == 1000


async def test_an_unavailable_store_is_an_error_and_no_data(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> bool:
        raise StoreUnavailable

    monkeypatch.setattr(api.store, "write", fail)
    body = await api.post(CREATE, {"input": {"username": "ada"}})
    assert body["data"] == {"createUser": None}
    assert [error["extensions"]["code"] for error in body["errors"]] == ["STORE_UNAVAILABLE"]


async def test_one_refused_mutation_leaves_the_others_of_its_request(api: Api) -> None:
    body = await api.post(
        """mutation {
          a: createUser(input: {username: "a"}) { user { username } }
          b: createUser(input: {username: "b", roles: ["x"]}) { user { username } }
          c: createUser(input: {username: "c"}) { user { username } }
        }""",
        scope="user:write",
    )
    assert body["data"] == {"a": {"user": {"username": "a"}}, "b": None, "c": {"user": {"username": "c"}}}
    assert [error["path"] for error in body["errors"]] == [["b"]]
