"""The manifests as istiod compiles them and Envoy keeps them: who gets where, and how soon a change counts."""

import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from tests.cluster import surroundings
from tests.cluster.manifests import Manifests
from tests.cluster.mesh import HOST, NAMESPACE, Mesh
from tests.cluster.upstream import Upstream, upstream_on, values
from tests.cluster.waiting import until

FORGED = base64.urlsafe_b64encode(b'{"sub":"administrator"}').decode().rstrip("=")


@pytest.fixture
async def prometheus(mesh: Mesh) -> AsyncIterator[httpx.AsyncClient]:
    async with mesh.inside("monitoring", "prometheus") as client:
        yield client


@pytest.fixture
async def indexer(mesh: Mesh) -> AsyncIterator[httpx.AsyncClient]:
    async with mesh.inside(NAMESPACE, "indexer") as client:
        yield client


@pytest.fixture
async def relay(mesh: Mesh) -> AsyncIterator[Upstream]:
    async with upstream_on(mesh.RELAY_PORT) as upstream:
        yield upstream


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("authorization", "path", "status"),
    [
        pytest.param("", "/graphql", 403, id="no token"),
        pytest.param("Bearer {token}", "/graphql", 200, id="a token that holds"),
        pytest.param("Bearer {token}x", "/graphql", 401, id="another signature"),
        pytest.param("Bearer {token}", "/graphql/assets/page.js", 200, id="a file of the page"),
        pytest.param("Bearer {token}", "/metrics", 404, id="metrics from outside"),
        pytest.param("Bearer {token}", "/livez", 404, id="health from outside"),
        pytest.param("Bearer {token}", "/graphqlx", 404, id="a neighbour of the path"),
    ],
)
async def test_from_outside_only_graphql_with_a_token_that_holds_gets_in(
    *, outside: httpx.AsyncClient, upstream: Upstream, manifests: Manifests, authorization: str, path: str, status: int
) -> None:
    headers = {"Authorization": authorization.format(token=manifests.token)} if authorization else {}
    answer = await outside.get(path, headers=headers)
    assert answer.status_code == status
    assert len(upstream.seen) == (1 if status == 200 else 0)


@pytest.mark.parametrize(("method", "tries"), [("POST", 1), ("GET", 3)])
async def test_only_what_changes_nothing_is_sent_again(
    outside: httpx.AsyncClient, upstream: Upstream, manifests: Manifests, method: str, tries: int
) -> None:
    upstream.status = 503
    answer = await outside.request(method, "/graphql", headers=bearer(manifests.token))
    assert (answer.status_code, len(upstream.seen)) == (503, tries)


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://app.example.com", "https://app.example.com"), ("https://evil.example", None)]
)
async def test_a_preflight_is_answered_at_the_gateway_for_the_front_ends_alone(
    outside: httpx.AsyncClient, upstream: Upstream, origin: str, allowed: str | None
) -> None:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    answer = await outside.options("/graphql", headers=headers)
    assert answer.headers.get("access-control-allow-origin") == allowed
    assert upstream.seen == []


async def test_plain_text_is_sent_to_https(mesh: Mesh) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"http://{mesh.gateway}:{surroundings.HTTP_PORT}/graphql"
        answer = await client.get(url, headers={"Host": HOST})
    assert (answer.status_code, answer.headers["location"]) == (301, f"https://{HOST}/graphql")


@pytest.mark.parametrize("port", [Mesh.API_PORT, Mesh.RELAY_PORT])
async def test_nobody_gets_beside_mutual_tls(mesh: Mesh, manifests: Manifests, upstream: Upstream, port: int) -> None:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        address = mesh.api if port == Mesh.API_PORT else mesh.relay
        for scheme in ("http", "https"):
            # TLS 1.3 tells a client that its certificate is wanted only after the handshake; httpx lets that error out.
            with pytest.raises((httpx.TransportError, ssl.SSLError)):
                await client.get(f"{scheme}://{address}:{port}/graphql", headers=bearer(manifests.token))
    assert upstream.seen == []


@pytest.mark.parametrize("headers", [[], [("X-Jwt-Payload", FORGED)], [("x-jwt-payload", FORGED)] * 2])
async def test_the_service_is_told_the_claims_of_the_token_and_nothing_that_a_client_says(
    outside: httpx.AsyncClient, upstream: Upstream, manifests: Manifests, headers: list[tuple[str, str]]
) -> None:
    answer = await outside.get("/graphql", headers=[*headers, *bearer(manifests.token).items()])
    told = values(answer.json(), "x-jwt-payload")
    assert [json.loads(base64.urlsafe_b64decode(value + "=="))["sub"] for value in told] == ["operator"]
    assert values(answer.json(), "authorization") == [f"Bearer {manifests.token}"]


async def test_a_forged_claim_from_inside_the_mesh_is_dropped(
    mesh: Mesh, indexer: httpx.AsyncClient, upstream: Upstream, manifests: Manifests
) -> None:
    headers = {"X-Jwt-Payload": FORGED, **bearer(manifests.token)}
    answer = await indexer.get(f"https://{mesh.api}:{mesh.API_PORT}/graphql", headers=headers)
    (told,) = values(answer.json(), "x-jwt-payload")
    assert json.loads(base64.urlsafe_b64decode(told + "=="))["sub"] == "operator"


async def test_metrics_are_prometheus_and_health_is_nobody_in_the_mesh(
    mesh: Mesh,
    prometheus: httpx.AsyncClient,
    indexer: httpx.AsyncClient,
    upstream: Upstream,
    relay: Upstream,
) -> None:
    places = (f"https://{mesh.api}:{mesh.API_PORT}", f"https://{mesh.relay}:{mesh.RELAY_PORT}")
    for place in places:
        assert (await prometheus.get(f"{place}/metrics")).status_code == 200
        assert (await indexer.get(f"{place}/metrics")).status_code == 403
        for path in ("/livez", "/readyz", "/graphql", "/metrics/"):
            assert (await prometheus.get(place + path)).status_code == 403, path
        assert (await prometheus.post(f"{place}/metrics")).status_code == 403
    assert [len(upstream.seen), len(relay.seen)] == [1, 1]


async def test_a_policy_counts_as_soon_as_it_is_applied(
    mesh: Mesh,
    outside: httpx.AsyncClient,
    upstream: Upstream,
    manifests: Manifests,
    record_property: Callable[[str, object], None],
) -> None:
    policy = {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "closed", "namespace": NAMESPACE},
        "spec": {"action": "DENY", "rules": [{"to": [{"operation": {"paths": ["/graphql"]}}]}]},
    }

    async def answers(status: int) -> bool:
        return (await outside.get("/graphql", headers=bearer(manifests.token))).status_code == status

    assert await answers(200)
    await mesh.cluster.kubectl.apply(policy)
    closed = await until(lambda: answers(403), "the policy", poll=0.01)
    await mesh.cluster.kubectl("delete", "authorizationpolicy", "closed", f"--namespace={NAMESPACE}")
    opened = await until(lambda: answers(200), "the policy is gone", poll=0.01)
    record_property(
        "show",
        f"from the end of `kubectl apply` to the first refusal: {closed * 1000:.0f} ms; "
        f"from the end of `kubectl delete` to the first answer: {opened * 1000:.0f} ms",
    )
