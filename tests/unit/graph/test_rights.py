"""Every field × scope × action, on oneself and on another user, through the real schema."""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from domain.users.fields import WRITABLE
from tests.unit.graph.api import SERVICE, Api, open_api

NUMBERS = itertools.count()
UNIQUE = frozenset({"username", "email", "externalId"})
SCOPES = ("", "user:read", "user:write", "user:admin")
READERS = frozenset({"user:read", "user:write", "user:admin"})
WRITERS = frozenset({"user:write", "user:admin"})
ADMINS = frozenset({"user:admin"})

VALUES: dict[str, Any] = {
    "externalId": "x-1",
    "username": "another-name",
    "givenName": "Ada",
    "familyName": "Lovelace",
    "displayName": "Ada L.",
    "email": "ada@example.org",
    "emailVerified": True,
    "phone": "+14155550123",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "pictureUrl": "https://example.org/ada.png",
    "roles": ["editor"],
    "attributes": {"team": "engine"},
}
ONESELF = frozenset({"givenName", "familyName", "displayName", "phone", "locale", "timezone", "pictureUrl"})

FIELDS = "id externalId username givenName familyName displayName email emailVerified phone locale timezone pictureUrl"
READS = {
    "user": "query($id: ID!) { user(id: $id) { %s } }",
    "userBy": "query($name: String!) { userBy(by: {username: $name}) { %s } }",
    "node": "query($id: ID!) { node(id: $id) { ... on User { %s } } }",
    "nodes": "query($id: ID!) { nodes(ids: [$id]) { ... on User { %s } } }",
}
LISTS = {
    "users": "{ users { totalCount } }",
    "searchUsers": '{ searchUsers(query: "a", facets: [STATUS]) { totalCount } }',
    "suggestUsers": '{ suggestUsers(prefix: "a") { id } }',
}
COMMANDS = {
    name: f"mutation($id: ID!) {{ {name}(input: {{id: $id}}) {{ user {{ id }} userErrors {{ code }} }} }}"
    for name in ("suspendUser", "reactivateUser", "deleteUser")
}
UPDATE = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id } userErrors { code message } } }"
CREATE = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { code message } } }"
IMPORT = "mutation($input: ImportUsersInput!) { importUsers(input: $input) { results { outcome } } }"


@dataclass(frozen=True)
class Case:
    """`action` by a caller with `scope`, on its own user or on another one."""

    action: str
    scope: str
    on_self: bool
    allowed: bool
    query: str
    input: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action}-{'self' if self.on_self else 'other'}-{self.scope or 'none'}"


def cases() -> Iterator[Case]:
    for scope in SCOPES:
        for on_self in (True, False):
            for action, query in READS.items():
                yield Case(action, scope, on_self, on_self or scope in READERS, query % (FIELDS + " roles attributes"))
            for action, query in LISTS.items():
                yield Case(action, scope, on_self, scope in READERS, query)
            for action, query in COMMANDS.items():
                yield Case(action, scope, on_self, scope in ADMINS, query)
            for name, value in VALUES.items():
                allowed = scope in (ADMINS if name == "roles" else WRITERS) or (on_self and name in ONESELF)
                yield Case(f"update:{name}", scope, on_self, allowed, UPDATE, {name: value})
                yield Case(f"clear:{name}", scope, on_self, allowed, UPDATE, {name: None})
            both = {"email": "new@example.org", "emailVerified": True}
            yield Case("update:email+verified", scope, on_self, scope in ADMINS, UPDATE, both)
            mixed = {"givenName": "Ada", "roles": ["editor"]}
            yield Case("update:own+roles", scope, on_self, scope in ADMINS, UPDATE, mixed)
        for name, value in VALUES.items():
            allowed = scope in (ADMINS if name == "roles" else WRITERS)
            yield Case(f"create:{name}", scope, False, allowed, CREATE, {"username": "new"} | {name: value})
        rows = {"by": "USERNAME", "rows": [{"username": "imported"}]}
        yield Case("import", scope, False, scope in ADMINS, IMPORT, rows)


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """One application for all cases; each brings users of its own."""
    async with open_api(tmp_path_factory.mktemp("rights")) as opened:
        yield opened


def test_the_table_is_complete() -> None:
    assert set(VALUES) == {field.name for field in WRITABLE}


@pytest.mark.parametrize("case", list(cases()), ids=str)
async def test_right(shared: Api, case: Case) -> None:
    number = next(NUMBERS)
    caller = await shared.create(username=f"caller{number}", email=f"caller{number}@example.org")
    other = await shared.create(username=f"other{number}", email=f"other{number}@example.org")
    target = caller if case.on_self else other
    input = {name: f"{number}{value}" if name in UNIQUE and value else value for name, value in case.input.items()}
    variables = {"name": target.username} if case.action == "userBy" else {"id": target.id, "input": input}
    if case.query == UPDATE:
        input["id"] = target.id
    before = dict(shared.database.documents)

    body = await shared.post(case.query, variables, subject=caller.id, scope=case.scope)

    codes = [error["extensions"]["code"] for error in body.get("errors", ())]
    assert codes == ([] if case.allowed else ["FORBIDDEN"])
    if not case.allowed:
        assert all(value is None or value == [None] for value in body["data"].values())
        assert shared.database.documents == before


@pytest.mark.parametrize("key", [{"username": "nobody"}, {"email": "no@example.org"}, {"externalId": "none"}])
async def test_who_reads_only_itself_learns_of_no_other_name(api: Api, key: dict[str, str]) -> None:
    caller = await api.create(username="caller")
    query = "query($by: UserKey!) { userBy(by: $by) { id } }"
    unknown = await api.errors(query, {"by": key}, subject=caller.id, scope="")
    await api.create(**{"username": "someone", **key})
    known = await api.errors(query, {"by": key}, subject=caller.id, scope="")
    assert unknown == known
    assert known[0]["extensions"]["code"] == "FORBIDDEN"


async def test_the_roles_of_a_user_grant_nothing(api: Api) -> None:
    caller = await api.create(username="caller", roles=["user:admin", "admin"])
    errors = await api.errors("{ users { totalCount } }", subject=caller.id, scope="")
    assert errors[0]["extensions"]["code"] == "FORBIDDEN"


async def test_what_is_no_user_has_its_scopes_and_no_self(api: Api) -> None:
    assert await api.data("{ me { id } }", subject=SERVICE, scope="") == {"me": None}
    assert (await api.data("{ users { totalCount } }", subject=SERVICE, scope="user:read"))["users"]["totalCount"] == 0
