"""TRUST_MESH_CLAIMS in a real process: the TCP peer decides, whatever the headers say."""

import base64
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import orjson
import pytest
import pytest_asyncio

from tests.fixtures import issuer
from tests.fixtures.issuer import jwk, jwks
from tests.integration.graph.process import serving

FORWARDED = {"X-Forwarded-For": "127.0.0.6", "Forwarded": "for=127.0.0.6", "X-Real-IP": "127.0.0.6"}


@pytest_asyncio.fixture(scope="module")
async def port(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    """Of a service on every address, told by its environment to believe any forwarding header."""
    environment = {
        "HOST": "0.0.0.0",
        "JWT_ISSUER": issuer.ISSUER,
        "JWT_AUDIENCE": issuer.AUDIENCE,
        "JWT_JWKS": jwks(jwk("rsa")),
        "TRUST_MESH_CLAIMS": "true",
        "FORWARDED_ALLOW_IPS": "*",
    }
    folder: Path = tmp_path_factory.mktemp("mesh")
    async with serving(folder, **environment) as (_, client):
        assert client.base_url.port
        yield client.base_url.port


def _payload() -> dict[str, str]:
    claims = orjson.dumps(issuer.claims(sub="a-service", scope="user:read"))
    return {"x-jwt-payload": base64.urlsafe_b64encode(claims).rstrip(b"=").decode()}


async def _status(host: str, port: int, headers: Mapping[str, str], source: str | None = None) -> int:
    transport = httpx.AsyncHTTPTransport(local_address=source)
    async with httpx.AsyncClient(transport=transport) as client:
        query = {"query": "{ users { totalCount } }"}
        return (await client.post(f"http://{host}:{port}/graphql", json=query, headers=headers)).status_code


def _own_address() -> str:
    """An address of this machine that is not a loopback one; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            pytest.skip("this machine has no network address of its own to call from")
        address: str = probe.getsockname()[0]
        return address


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.6"])
@pytest.mark.parametrize("more", [{}, {"X-Forwarded-For": "10.0.0.7"}], ids=["plain", "forwarded"])
async def test_the_sidecar_is_believed(port: int, source: str, more: dict[str, str]) -> None:
    assert await _status("127.0.0.1", port, _payload() | more, source) == 200


@pytest.mark.parametrize("more", [{}, FORWARDED], ids=["plain", "forwarded"])
async def test_nobody_else_is(port: int, more: dict[str, str]) -> None:
    assert await _status(_own_address(), port, _payload() | more) == 401


async def test_without_the_header_the_sidecar_is_nobody(port: int) -> None:
    assert await _status("127.0.0.1", port, {}, "127.0.0.6") == 401
