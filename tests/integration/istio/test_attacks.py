"""The attack table, against an Envoy that enforces the manifests and against the service alone."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.fixtures.attacks import BODY, JWKS, ROLE_SCOPES, TABLE, Attack
from tests.fixtures.issuer import AUDIENCE, ISSUER
from tests.integration.graph.process import serving
from tests.integration.istio.raw_http import Response, send, upstream
from tests.integration.istio.stage import sidecar

ATTACKS = [pytest.param(attack, id=attack.name) for rows in TABLE.values() for attack in rows]


@dataclass(frozen=True, slots=True)
class Stage:
    """Both places that a row is run against."""

    envoy: int
    service: int
    mesh: ssl.SSLContext

    async def run(self, attack: Attack) -> tuple[Response, Response]:
        """The answers of Envoy and of the service."""
        return await asyncio.gather(_sent(attack, self.envoy, self.mesh), _sent(attack, self.service))


@pytest_asyncio.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The Envoy stands before a server that answers everybody, so that its own verdict is seen."""
    settings = {
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "JWT_JWKS": JWKS,
        "ROLE_SCOPES": json.dumps(ROLE_SCOPES),
    }
    async with (
        serving(tmp_path_factory.mktemp("service"), **settings) as (_, client),
        upstream() as behind,
        sidecar(tmp_path_factory.mktemp("envoy"), behind.port) as edge,
    ):
        assert client.base_url.port
        yield Stage(edge.port, client.base_url.port, edge.caller("istio-system", "istio-ingressgateway"))


async def _sent(attack: Attack, port: int, tls: ssl.SSLContext | None = None) -> Response:
    request = attack.request()
    target = f"/graphql?{request.query}" if request.query else "/graphql"
    headers = [("Content-Type", "application/json"), *request.headers]
    return await send(port, "POST", target, headers, body=BODY, tls=tls)


@pytest.mark.parametrize("attack", ATTACKS)
async def test_attack(stage: Stage, attack: Attack) -> None:
    at_the_edge, alone = await stage.run(attack)
    assert (at_the_edge.status, alone.status) == (attack.envoy, attack.service), (at_the_edge.body, alone.body)
    if attack.reads is not None:
        assert _may_read_users(alone) is attack.reads


async def test_the_whole_table(stage: Stage, record_property: Callable[[str, object], None]) -> None:
    """Shows what comes of every row in both places, whichever process has run the others."""
    lines = [f"{'':45} Envoy  service"]
    for group, rows in TABLE.items():
        lines += ["", group, *[_shown(row, *await stage.run(row)) for row in rows]]
    record_property("show", "\n".join(lines))


def _may_read_users(response: Response) -> bool:
    """Whether the answer has users in it. Refused or not, the rest of the answer is there."""
    answer = response.json()
    if answer["data"] is not None and answer["data"].get("users") is not None:
        assert "errors" not in answer
        return True
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    return False


def _shown(attack: Attack, at_the_edge: Response, alone: Response) -> str:
    return f"  {attack.name:43} {at_the_edge.status:5}  {alone.status:7}  {attack.difference}".rstrip()
