"""What the VirtualService makes of requests from outside, on a real Envoy in the gateway's place."""

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from tests.fixtures.forgeries import forged_claims
from tests.integration.istio.bootstrap import bootstrap, listener
from tests.integration.istio.envoy import running
from tests.integration.istio.raw_http import Response, Upstream, send, upstream
from tests.integration.istio.routes import cors_filter, redirecting_ports, routes
from tests.integration.istio.stage import manifests
from tests.servers.ports import free_port

FRONT_END = ("Origin", "https://app.example.com")
PREFLIGHT = (("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization"))


@pytest_asyncio.fixture(scope="module")
async def behind() -> AsyncIterator[Upstream]:
    async with upstream() as told:
        yield told


@pytest_asyncio.fixture(scope="module")
async def gateway(behind: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    """The port of it."""
    port = free_port()
    listening = listener(port, [cors_filter()], routes(manifests()))
    async with running(tmp_path_factory.mktemp("gateway"), bootstrap(listening, behind.port, free_port())):
        yield port


async def _ask(port: int, line: str, headers: Sequence[tuple[str, str]] = ()) -> Response:
    method, target = line.split()
    return await send(port, method, target, headers)


@pytest.mark.parametrize(
    "target", ["/", "/metrics", "/livez", "/readyz", "/graphqlx", "/GRAPHQL", "/graphql/../metrics"]
)
async def test_what_is_not_graphql_has_no_address(gateway: int, target: str) -> None:
    assert (await _ask(gateway, f"GET {target}")).status == 404


@pytest.mark.parametrize(
    "line", ["GET /graphql", "POST /graphql", "GET /graphql?query={me{id}}", "GET /graphql/assets/a.js"]
)
async def test_graphql_goes_on_without_what_a_client_says_of_its_claims(gateway: int, line: str) -> None:
    headers = [("x-jwt-payload", forged_claims(scope="user:admin")), ("Authorization", "Bearer a.b.c")]
    arrived = (await _ask(gateway, line, headers)).json()["headers"]
    assert "x-jwt-payload" not in [name for name, _ in arrived]
    assert ["authorization", "Bearer a.b.c"] in arrived


async def test_a_preflight_is_answered_here(gateway: int, behind: Upstream) -> None:
    """It carries no token, so behind the gateway it would be refused."""
    before = behind.requests
    answer = await _ask(gateway, "OPTIONS /graphql", [FRONT_END, *PREFLIGHT])
    assert (answer.status, behind.requests) == (200, before)
    assert answer.header("access-control-allow-origin") == FRONT_END[1]
    assert answer.header("access-control-allow-methods") == "GET,POST"
    assert "authorization" in str(answer.header("access-control-allow-headers"))
    assert answer.header("access-control-max-age") == "86400"
    assert answer.header("access-control-allow-credentials") is None


async def test_an_answer_is_shown_to_pages_of_the_front_end(gateway: int) -> None:
    answer = await _ask(gateway, "POST /graphql", [FRONT_END])
    assert answer.header("access-control-allow-origin") == FRONT_END[1]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://app.example.com.evil.example", "http://app.example.com", "null"]
)
async def test_pages_from_elsewhere_are_told_nothing(gateway: int, origin: str) -> None:
    for line, headers in (("OPTIONS /graphql", PREFLIGHT), ("POST /graphql", ())):
        answer = await _ask(gateway, line, [("Origin", origin), *headers])
        assert answer.header("access-control-allow-origin") is None


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_query_by_get_is_asked_again(gateway: int, behind: Upstream, status: int) -> None:
    before, behind.statuses = behind.requests, [status, status]
    assert (await _ask(gateway, "GET /graphql?query={me{id}}")).status == 200
    assert behind.requests == before + 3


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_what_may_be_a_mutation_is_never_sent_twice(gateway: int, behind: Upstream, status: int) -> None:
    before, behind.statuses = behind.requests, [status]
    assert (await _ask(gateway, "POST /graphql")).status == status
    assert behind.requests == before + 1


@pytest.mark.parametrize(
    "headers",
    [
        [("Accept", "text/event-stream")],
        [("Accept", "text/event-stream, application/json")],
        [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")],
    ],
)
async def test_a_subscription_is_not_asked_again(
    gateway: int, behind: Upstream, headers: Sequence[tuple[str, str]]
) -> None:
    before, behind.statuses = behind.requests, [503]
    await _ask(gateway, "GET /graphql", headers)
    assert behind.requests == before + 1
    behind.statuses = []


def test_time_outs_leave_the_service_time_to_give_up_first() -> None:
    """REQUEST_TIMEOUT and waitFor's longest time are 30 s; a subscription has no end."""
    told = {route["name"]: route["route"]["timeout"] for route in routes(manifests())}
    assert told == {"subscriptions": "0s", "queries": "35s", "operations": "35s", "assets": "35s"}


def test_plain_text_is_only_sent_to_https() -> None:
    assert redirecting_ports(manifests()) == [80]
