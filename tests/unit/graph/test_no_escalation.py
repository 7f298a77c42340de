"""The `roles` of a user in the store grant nothing: a user whose document claims all there is tries every operation.

What is tried comes from the schema, and what must hold says nothing about single operations, so both cover what is new.
"""

import copy
import io
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from domain.identity.caller import INCLUDED, Right
from domain.users.bulk import import_all
from domain.users.fields import BY_NAME, Writer
from domain.users.model import User
from domain.users.rows import read_rows
from domain.users.service import UserService
from tests.fixtures import issuer
from tests.fixtures.issuer import jwk, jwks
from tests.unit.graph.api import Api, open_api
from tests.unit.graph.operations import operations, roots

ROLES = ["admin", "user:admin", "support"]
"""Names that ROLE_SCOPES gives everything, as long as it is a token that says them."""

CLAIMS = {"scope": "user:admin", "roles": ROLES, "rights": ROLES, "realm_access": {"roles": ROLES}}
SECRET = "Unlooked-for"  # a name that only the victim has
SCOPES = ("", "user:read", "user:write")
KEPT_FROM = {"": Right, "user:read": (Right.WRITE, Right.ADMIN), "user:write": (Right.ADMIN,)}
NEEDS = {
    Right.READ: "{ users { totalCount } }",
    Right.WRITE: 'mutation { createUser(input: {username: "probe"}) { user { id } } }',
    Right.ADMIN: "mutation($id: ID!) { suspendUser(input: {id: $id}) { user { id } } }",
}
Documents = Mapping[str, Mapping[str, Any]]

everything = pytest.mark.parametrize(("kind", "name"), list(roots()), ids=str)


@dataclass(frozen=True)
class Stage:
    """An application, a user whose document looks like an administrator's wherever it can, and one to attack."""

    api: Api
    caller: User
    victim: User

    def operations(self, kind: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """All of one root field: of mutations first those on the caller itself, then those on the victim."""
        if kind == "mutation":
            yield from operations(kind, name, self._values(self.caller.id))
        yield from operations(kind, name, self._values(self.victim.id, self.caller.id))

    def _values(self, *ids: str) -> Mapping[str, Sequence[Any]]:
        """What to try for each scalar: names that grant, and names of both users."""
        return {
            "ID": ids,
            "String": ["user:admin", "admin", "victim", "victim@example.org"],
            "Boolean": [True, False],
            "Int": [1],
            "Float": [0.01],
            "JSON": ["user:admin", CLAIMS, ROLES],
            "DateTime": ["2026-01-01T00:00:00Z"],
            "_Any": [{"__typename": "User", "id": self.victim.id}],
        }

    @property
    def documents(self) -> Documents:
        return self.api.database.documents

    @contextmanager
    def undone(self) -> Iterator[Documents]:
        """The stored users as they were before; what is done inside is taken back."""
        database = self.api.database
        documents, owners = copy.deepcopy(database.documents), dict(database.owners)
        yield documents
        database.documents, database.owners = copy.deepcopy(documents), owners

    async def ask(self, scope: str, query: str, variables: Mapping[str, Any], **claims: Any) -> str:
        """The body of the answer to the caller, or to whom the claims say."""
        token = issuer.token("p256", "ES256", **{"sub": self.caller.id, "scope": scope} | claims)
        body = {"query": query, "variables": variables}
        return (await self.api.client.post("/graphql", json=body, headers={"Authorization": f"Bearer {token}"})).text

    async def is_kept_from_more_than(self, scope: str) -> None:
        """Whatever was done before, the caller's rights are those of its scope."""
        for right in KEPT_FROM[scope]:
            answer = await self.ask(scope, NEEDS[right], {"id": self.victim.id} if right is Right.ADMIN else {})
            assert "FORBIDDEN" in answer, right


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Its ROLE_SCOPES makes administrators of the roles that the documents have."""
    settings = {
        "jwt_issuer": issuer.ISSUER,
        "jwt_audience": issuer.AUDIENCE,
        "jwt_jwks": jwks(jwk("p256")),
        "role_scopes": {role: ["user:admin"] for role in ROLES},
        "max_query_tokens": 10_000,
    }
    async with open_api(tmp_path_factory.mktemp("escalation"), **settings) as api:
        names = {"username": "admin", "displayName": "user:admin", "externalId": "user:admin"}
        caller = await api.create(**names, roles=ROLES, attributes=CLAIMS)
        victim = await api.create(username="victim", familyName=SECRET, email="victim@example.org", roles=["support"])
        yield Stage(api, caller, victim)


def illicit(before: Documents, stage: Stage, scope: str) -> list[str]:
    """The changes since `before` that such a caller may not make: by the field table, and `roles` in any case."""
    after = stage.documents
    writers = {Writer.ONESELF, Writer.EDITOR} if scope == "user:write" else {Writer.ONESELF}
    allowed = {name for name, field in BY_NAME.items() if field.writer in writers} - {"roles"}
    found = [f"{id} is gone" for id in before.keys() - after.keys()]
    found += [f"{id} is new" for id in after.keys() - before.keys() if scope != "user:write"]
    for id, document in after.items():
        old = before.get(id, {"status": "ACTIVE"})
        changed = {name for name in BY_NAME if document.get(name) != old.get(name)} - _SERVICES_OWN
        mine = allowed if id == stage.caller.id or scope == "user:write" else set()
        found += [f"{name} of {id}" for name in sorted(changed - mine)]
    return found


_SERVICES_OWN = {"id", "version", "createdAt", "updatedAt", "statusChangedAt"}
"""What the service writes beside a change."""


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope or "none")
@everything
async def test_no_operation_makes_an_administrator(stage: Stage, kind: str, name: str, scope: str) -> None:
    tried = 0
    for query, variables in stage.operations(kind, name):
        with stage.undone() as before:
            answer = await stage.ask(scope, query, variables)
            assert illicit(before, stage, scope) == [], variables
            assert scope or SECRET not in answer, variables
            if kind == "mutation" or tried == 0:
                await stage.is_kept_from_more_than(scope)
            tried += 1
    assert tried


@everything
async def test_an_administrator_is_let_through_by_every_one_of_them(stage: Stage, kind: str, name: str) -> None:
    """Otherwise what is tried above might be refused for being no valid request."""
    answer = ""
    for query, variables in stage.operations(kind, name):
        with stage.undone():
            answer = await stage.ask("user:admin", query, variables, sub="a-service")
        if '"errors":' not in answer and '"code":"BAD_USER_INPUT"' not in answer:
            return
    pytest.fail(answer[:500])


async def test_what_the_document_says_would_make_one_if_a_token_said_it(stage: Stage) -> None:
    with stage.undone():
        for role in ROLES:
            answer = await stage.ask("", NEEDS[Right.READ], {}, sub="a-service", roles=[role])
            assert '"errors":' not in answer
        answer = await stage.ask("", NEEDS[Right.ADMIN], {"id": stage.victim.id}, sub="a-service", roles=ROLES)
        assert '"errors":' not in answer


async def test_a_change_of_roles_would_be_seen(stage: Stage) -> None:
    update = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { roles } } }"
    changes = {"input": {"id": stage.victim.id, "roles": ["x"]}}
    with stage.undone() as before:
        await stage.ask("user:admin", update, changes, sub="a-service")
        for scope in SCOPES:
            assert illicit(before, stage, scope) == [f"roles of {stage.victim.id}"]


CHAINS = {
    "its own roles first": "a: updateUser(input: {id: $me, roles: $roles}) { user { id } }",
    "its own attributes first": "a: updateUser(input: {id: $me, attributes: $claims}) { user { id } }",
    "its own name first": 'a: updateUser(input: {id: $me, displayName: "user:admin"}) { user { id } }',
    "an import of itself first": "a: importUsers(input: {by: USERNAME, rows: [{username: $name, roles: $roles}]}) "
    "{ results { outcome } }",
    "another user first": "a: createUser(input: {username: $name, roles: $roles}) { user { id } }",
}


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope or "none")
@pytest.mark.parametrize("first", CHAINS)
async def test_one_request_cannot_grant_and_use(stage: Stage, first: str, scope: str) -> None:
    then = "b: suspendUser(input: {id: $victim}) { user { id } } c: deleteUser(input: {id: $victim}) { user { id } }"
    offered = {"me": stage.caller.id, "victim": stage.victim.id, "name": "admin", "roles": ROLES, "claims": CLAIMS}
    types = {"me": "ID!", "victim": "ID!", "name": "String!", "roles": "[String!]", "claims": "JSON"}
    used = [name for name in offered if f"${name}" in CHAINS[first] + then]
    declared = ", ".join(f"${name}: {types[name]}" for name in used)
    with stage.undone() as before:
        query = f"mutation({declared}) {{ {CHAINS[first]} {then} }}"
        answer = await stage.ask(scope, query, {name: offered[name] for name in used})
        assert answer.count("FORBIDDEN") >= 2
        assert illicit(before, stage, scope) == []
        await stage.is_kept_from_more_than(scope)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("users.csv", 'username,roles,status,id\nadmin,"admin|user:admin",ACTIVE,a-service\n'),
        ("users.ndjson", '{"username":"admin","roles":["admin","user:admin"],"attributes":{"scope":"user:admin"}}\n'),
    ],
)
async def test_roles_that_an_operator_imports_grant_nothing(stage: Stage, name: str, text: str) -> None:
    with stage.undone():
        rows = read_rows(io.BytesIO(text.encode()), name)
        report = await import_all(UserService(stage.api.store), rows, by="username", reject=print)
        assert (report.rows, report.rejected) == (1, 0)
        assert stage.documents[stage.caller.id]["roles"] == ["admin", "user:admin"]
        for scope in SCOPES:
            await stage.is_kept_from_more_than(scope)


async def test_me_shows_the_roles_and_lends_none(stage: Stage) -> None:
    answer = await stage.ask("", "{ me { roles } }", {})
    assert all(f'"{role}"' in answer for role in ROLES)
    await stage.is_kept_from_more_than("")


def test_every_right_is_probed() -> None:
    assert set(NEEDS) == set(Right)
    assert {scope: set(Right) - set(kept) for scope, kept in KEPT_FROM.items()} == {
        "": set(),
        **{scope: set(INCLUDED[Right(scope)]) for scope in SCOPES if scope},
    }
