"""The attack table, against an Envoy that enforces the manifests and against the service alone."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from tests.fixtures.attacks import BODY, JWKS, ROLE_SCOPES, TABLE, Attack
from tests.fixtures.issuer import AUDIENCE, ISSUER
from tests.integration.graph.process import serving
from tests.integration.istio.raw_http import Response, send, upstream
from tests.integration.istio.stage import sidecar

ATTACKS = [
    pytest.param(group, attack, id=f"{group}: {attack.name}") for group, rows in TABLE.items() for attack in rows
]


@dataclass(slots=True)
class Stage:
    """Both places, and what came of each row there: statuses of Envoy and of the service."""

    envoy: int
    service: int
    mesh: ssl.SSLContext
    seen: dict[str, list[str]] = field(default_factory=dict)


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


@pytest.mark.parametrize(("group", "attack"), ATTACKS)
async def test_attack(stage: Stage, group: str, attack: Attack) -> None:
    at_the_edge, alone = await asyncio.gather(_sent(attack, stage.envoy, stage.mesh), _sent(attack, stage.service))
    stage.seen.setdefault(group, []).append(_shown(attack, at_the_edge.status, alone.status))
    assert (at_the_edge.status, alone.status) == (attack.envoy, attack.service), (at_the_edge.body, alone.body)
    if attack.reads is not None:
        assert _may_read_users(alone) is attack.reads


def _may_read_users(response: Response) -> bool:
    """Whether the answer has users in it. Refused or not, the rest of the answer is there."""
    answer = response.json()
    if answer["data"] is not None and answer["data"].get("users") is not None:
        assert "errors" not in answer
        return True
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    return False


def test_the_table(stage: Stage, record_property: Callable[[str, object], None]) -> None:
    """Shows every row that ran, with what came of it in both places."""
    lines = [f"{'':45} Envoy  service"]
    for group, rows in stage.seen.items():
        lines += ["", group, *rows]
    record_property("show", "\n".join(lines))


def _shown(attack: Attack, envoy: int, service: int) -> str:
    return f"  {attack.name:43} {envoy:5}  {service:7}  {attack.difference}".rstrip()
