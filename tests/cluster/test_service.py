"""From nothing to an authenticated request: the service itself behind its sidecar and the gateway."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cluster.manifests import Manifests, documents
from tests.cluster.mesh import Mesh
from tests.integration.graph.process import start, stopped

CREATE = 'mutation { createUser(input: {username: "ada"}) { user { id username } userErrors { code } } }'
LIST = "{ users(first: 10) { edges { node { username } } } serviceInfo { version } }"


@pytest.fixture
async def service(mesh: Mesh, manifests: Manifests, tmp_path: Path) -> AsyncIterator[None]:
    """In the embedded mode, trusting what the manifests trust and nobody else."""
    (rule,) = next(documents(manifests.request_auth))["spec"]["jwtRules"]
    process = await start(
        tmp_path,
        mesh.API_PORT,
        ENVIRONMENT="production",
        JWT_ISSUER=rule["issuer"],
        JWT_AUDIENCE=rule["audiences"][0],
        JWT_JWKS=str(manifests.keys / "jwks.json"),
        CHANGE_TOKEN_SECRET="a secret of these tests alone",
        APP_VERSION="1.2.3",
    )
    try:
        await _answers(f"http://127.0.0.1:{mesh.API_PORT}/readyz")
        yield
    finally:
        process.terminate()
        await stopped(process)


async def _answers(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(60):
        while True:
            try:
                if (await client.get(url)).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


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
