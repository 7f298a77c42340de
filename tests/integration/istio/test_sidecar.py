"""What the manifests let through to each workload, on a real Envoy: everything that is not allowed is refused."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from keytool.checks.document import Document
from keytool.checks.reading import read
from tests.fixtures.attacks import BODY, JWKS
from tests.fixtures.forgeries import forged_claims
from tests.fixtures.issuer import AUDIENCE, ISSUER, claims, token
from tests.integration.graph.process import serving
from tests.integration.istio.certificates import Authority
from tests.integration.istio.raw_http import Response, Upstream, send, upstream
from tests.integration.istio.stage import Sidecar, manifests, sidecar
from tests.integration.istio.translation import Untranslated, http_filters

GATEWAY = ("istio-system", "istio-ingressgateway")
PROMETHEUS = ("monitoring", "prometheus")


@pytest_asyncio.fixture(scope="module")
async def behind() -> AsyncIterator[Upstream]:
    async with upstream() as told:
        yield told


@pytest_asyncio.fixture(scope="module")
async def api(behind: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sidecar]:
    async with sidecar(tmp_path_factory.mktemp("api"), behind.port) as edge:
        yield edge


@pytest_asyncio.fixture(scope="module")
async def indexer(behind: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sidecar]:
    async with sidecar(tmp_path_factory.mktemp("indexer"), behind.port, "indexer") as edge:
        yield edge


def _bearer(**changes: Any) -> Sequence[tuple[str, str]]:
    return [("Authorization", f"Bearer {token(**changes)}")]


async def _ask(edge: Sidecar, peer: tuple[str, str], line: str, headers: Sequence[tuple[str, str]] = ()) -> Response:
    method, target = line.split()
    return await send(edge.port, method, target, headers, tls=edge.caller(*peer))


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("POST /graphql", 200),
        ("GET /graphql", 200),
        ("GET /graphql?query={me{id}}", 200),
        ("GET /graphql/assets/graphiql.js", 200),
        ("OPTIONS /graphql", 403),
        ("PUT /graphql", 403),
        ("DELETE /graphql", 403),
        ("HEAD /graphql", 403),
        ("TRACE /graphql", 403),
        ("GET /", 403),
        ("GET /livez", 403),
        ("GET /readyz", 403),
        ("GET /metrics", 403),
        ("GET /GRAPHQL", 403),
        ("GET //graphql", 403),
        ("GET /graphqlx", 403),
        ("GET /graphql/../metrics", 403),
        ("GET /graphql/%2e%2e/metrics", 403),
        ("GET /./metrics", 403),
    ],
)
async def test_a_token_opens_graphql_and_nothing_else(api: Sidecar, line: str, status: int) -> None:
    assert (await _ask(api, GATEWAY, line, _bearer())).status == status


@pytest.mark.parametrize(
    "line", ["POST /graphql", "GET /graphql", "GET /graphql/assets/graphiql.js", "OPTIONS /graphql"]
)
async def test_without_a_token_nothing_is_open(api: Sidecar, line: str) -> None:
    for peer in (GATEWAY, PROMETHEUS):
        answer = await _ask(api, peer, line)
        assert (answer.status, answer.body) == (403, b"RBAC: access denied")


@pytest.mark.parametrize(
    ("peer", "line", "status"),
    [
        (PROMETHEUS, "GET /metrics", 200),
        (PROMETHEUS, "POST /metrics", 403),
        (PROMETHEUS, "GET /metrics/", 403),
        (PROMETHEUS, "GET /livez", 403),
        (PROMETHEUS, "GET /readyz", 403),
        (PROMETHEUS, "GET /", 403),
        (GATEWAY, "GET /metrics", 403),
        (("monitoring", "grafana"), "GET /metrics", 403),
        (("user-service", "prometheus"), "GET /metrics", 403),
        (("monitoring", "prometheus-2"), "GET /metrics", 403),
    ],
)
async def test_metrics_are_for_prometheus(
    api: Sidecar, indexer: Sidecar, peer: tuple[str, str], line: str, status: int
) -> None:
    assert [(await _ask(edge, peer, line)).status for edge in (api, indexer)] == [status, status]


async def test_a_token_opens_nothing_of_the_indexer(indexer: Sidecar) -> None:
    for line in ("GET /metrics", "GET /graphql", "POST /graphql", "GET /"):
        assert (await _ask(indexer, GATEWAY, line, _bearer())).status == 403


async def test_plain_text_is_closed_without_a_word(api: Sidecar) -> None:
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await send(api.port, "POST", "/graphql", _bearer())


async def test_a_stranger_to_the_mesh_is_refused(api: Sidecar, tmp_path: Path) -> None:
    stranger = Authority()
    context = stranger.client(stranger.issue(*PROMETHEUS), tmp_path)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.raises((ssl.SSLError, asyncio.IncompleteReadError, ConnectionError)):
        await send(api.port, "GET", "/metrics", tls=context)


async def test_the_service_gets_the_token_and_its_claims(api: Sidecar) -> None:
    headers = _bearer(roles=["a"])
    arrived = (await _ask(api, GATEWAY, "POST /graphql", headers)).json()["headers"]
    assert ["authorization", headers[0][1]] in arrived
    (payload,) = [value for name, value in arrived if name == "x-jwt-payload"]
    assert "=" not in payload
    assert set(_decoded(payload)) == {*claims(), "roles"}


@pytest.mark.parametrize("name", ["x-jwt-payload", "X-JWT-Payload", "X-Jwt-Payload"])
async def test_claims_that_a_client_forges_never_arrive(api: Sidecar, name: str) -> None:
    forged = [(name, forged_claims(sub="admin", scope="user:admin"))] * 2
    arrived = (await _ask(api, GATEWAY, "POST /graphql", [*forged, *_bearer(), *forged])).json()["headers"]
    (payload,) = [value for header, value in arrived if header.replace("_", "-") == "x-jwt-payload"]
    assert _decoded(payload)["sub"] == claims()["sub"]
    metrics = (await _ask(api, PROMETHEUS, "GET /metrics", forged)).json()["headers"]
    assert "x-jwt-payload" not in [header for header, _ in metrics]


async def test_a_websocket_needs_a_token_in_its_first_request(api: Sidecar) -> None:
    upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ]
    assert (await _ask(api, GATEWAY, "GET /graphql", upgrade)).status == 403
    assert (await _ask(api, GATEWAY, "GET /graphql", [*upgrade, *_bearer()])).status == 101


async def test_the_real_service_behind_the_edge(tmp_path: Path) -> None:
    settings = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "JWT_JWKS": JWKS}
    async with serving(tmp_path, **settings) as (_, client):
        assert client.base_url.port
        async with sidecar(tmp_path, client.base_url.port) as edge:
            headers = [("Content-Type", "application/json"), *_bearer(scope="user:read")]
            tls = edge.caller(*GATEWAY)
            let_in = await send(edge.port, "POST", "/graphql", headers, body=BODY, tls=tls)
            refused = await send(edge.port, "POST", "/graphql", headers[:1], body=BODY, tls=tls)
    assert let_in.json() == {"data": {"serviceInfo": {"mode": "EMBEDDED"}, "users": {"edges": []}}}
    assert refused.body == b"RBAC: access denied"


async def test_a_token_check_without_policies_is_an_open_door(behind: Upstream, tmp_path: Path) -> None:
    """Why the manifests deny by default, and the check insists on it."""
    without = [document for document in manifests() if document.kind != "AuthorizationPolicy"]
    async with sidecar(tmp_path, behind.port, documents=without) as edge:
        assert (await _ask(edge, GATEWAY, "POST /graphql")).status == 200
        assert (await _ask(edge, GATEWAY, "GET /metrics")).status == 200


async def test_policies_without_a_token_check_are_a_closed_one(behind: Upstream, tmp_path: Path) -> None:
    without = [document for document in manifests() if document.kind != "RequestAuthentication"]
    async with sidecar(tmp_path, behind.port, documents=without) as edge:
        assert (await _ask(edge, GATEWAY, "POST /graphql", _bearer())).status == 403


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("requestPrincipals:", "namespaces:"),
        ("ports:", "hosts:"),
        ("  - from:", "  - when: [{key: source.ip, values: [10.0.0.0/8]}]\n    from:"),
        ("action: ALLOW", "action: AUDIT"),
        ("forwardOriginalToken: true", "timeout: 5s"),
    ],
)
def test_what_is_not_translated_is_not_left_out_in_silence(old: str, new: str) -> None:
    with _planted(old, new) as documents, pytest.raises((Untranslated, KeyError)):
        http_filters(documents, "api", {})


@contextmanager
def _planted(old: str, new: str) -> Iterator[Sequence[Document]]:
    texts = [path.read_text() for path in (Path(__file__).parents[3] / "istio").glob("*.yaml")]
    assert any(old in text for text in texts)
    yield [document for text in texts for document in read("planted.yaml", text.replace(old, new))[0]]


def _decoded(payload: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
