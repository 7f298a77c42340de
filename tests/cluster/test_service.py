"""From nothing to an authenticated request: the service itself behind its sidecar and the gateway."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cluster.manifests import Manifests
from tests.cluster.mesh import Mesh
from tests.cluster.service import service_on

CREATE = 'mutation { createUser(input: {username: "ada"}) { user { id username } userErrors { code } } }'
LIST = "{ users(first: 10) { edges { node { username } } } serviceInfo { version } }"


@pytest.fixture
async def service(mesh: Mesh, manifests: Manifests, tmp_path: Path) -> AsyncIterator[None]:
    async with service_on(mesh, manifests, tmp_path):
        yield


@pytest.mark.usefixtures("service")
async def test_a_token_of_the_scripts_is_taken_by_the_mesh_and_by_the_service(
    outside: httpx.AsyncClient, manifests: Manifests
) -> None:
    headers = {"Authorization": f"Bearer {manifests.token}"}

    async def ask(query: str) -> dict[str, Any]:
        answer = await outside.post("/graphql", json={"query": query}, headers=headers)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = json.loads(answer.text)["data"]
        return data

    created = await ask(CREATE)
    assert created["createUser"]["userErrors"] == []
    listed = await ask(LIST)
    assert [edge["node"]["username"] for edge in listed["users"]["edges"]] == ["ada"]
    assert listed["serviceInfo"]["version"] == "1.2.3"


@pytest.mark.usefixtures("service")
async def test_rights_are_the_services_own(outside: httpx.AsyncClient, manifests: Manifests) -> None:
    """The mesh lets any token of the issuer in; what it may do is in its scope."""
    token = manifests.script("generate_token.py", "--sub=nobody", "--scope=user:read", apply=False).strip()
    answer = await outside.post("/graphql", json={"query": CREATE}, headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
