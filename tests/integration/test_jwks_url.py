"""Keys from a real HTTP server: rotation, outages and answers that are no JWKS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from domain.errors import Unauthenticated
from domain.identity.jwks import MAX_DOCUMENT_BYTES, LoadedKeys, from_url
from domain.identity.keys import KeysUnavailable
from tests.fixtures.issuer import AUDIENCE, ISSUER, SUBJECT, jwk, jwks, token, verifier
from tests.integration.graph.process import serving

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class IssuerServer:
    """An issuer's JWKS endpoint that answers as it is told."""

    def __init__(self) -> None:
        self.requests = 0
        self.answer: Answer = answering(jwks(jwk("rsa")))
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/.well-known/jwks.json"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            await self.answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client gave up, as some tests want it to
        finally:
            writer.close()


def answering(body: str, status: str = "200 OK", *headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body.encode())}", *headers]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        await writer.drain()

    return answer


async def hanging_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def dripping(writer: asyncio.StreamWriter) -> None:
    """A byte now and then: each step is quick, the whole never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silent(_: asyncio.StreamWriter) -> None:
    """The connection stands, and nothing comes."""
    await asyncio.sleep(2)


@asynccontextmanager
async def _running() -> AsyncIterator[IssuerServer]:
    server = IssuerServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@pytest_asyncio.fixture
async def issuer_server() -> AsyncIterator[IssuerServer]:
    async with _running() as server:
        yield server


def _keys(server: IssuerServer, *, refresh_every: timedelta = timedelta(minutes=5)) -> LoadedKeys:
    return LoadedKeys(from_url(server.url), refresh_every=refresh_every, retry_every=timedelta(0))


async def _until(reached: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await reached():  # noqa: ASYNC110 (what is waited for is in another process, or has no event)
            await asyncio.sleep(0.05)


async def _is(value: bool) -> bool:
    return value


async def _answers(request: Awaitable[httpx.Response]) -> bool:
    return (await request).status_code == 200


async def test_tokens_are_checked_with_keys_from_the_url(issuer_server: IssuerServer) -> None:
    checks = verifier(keys=_keys(issuer_server))
    callers = await asyncio.gather(*(checks.verify(token()) for _ in range(20)))
    assert {caller.subject for caller in callers} == {SUBJECT}
    assert issuer_server.requests == 1


async def test_a_new_key_of_the_issuer_is_found_at_once(issuer_server: IssuerServer) -> None:
    checks = verifier(keys=_keys(issuer_server))
    await checks.verify(token())
    issuer_server.answer = answering(jwks(jwk("rsa"), jwk("p256")))
    assert (await checks.verify(token("p256", "ES256"))).subject == SUBJECT


async def test_an_outage_is_survived_and_ends(issuer_server: IssuerServer) -> None:
    keys = _keys(issuer_server, refresh_every=timedelta(0))
    checks = verifier(keys=keys)
    await checks.verify(token())
    await issuer_server.stop()
    assert (await checks.verify(token(scope="user:write"))).subject == SUBJECT
    await keys.refresh()
    assert keys.status().error == "the JWKS URL did not answer: ConnectError"
    assert (await checks.verify(token(scope="user:admin"))).subject == SUBJECT
    await issuer_server.start()
    await keys.refresh()
    await keys.refresh()  # the first one may have joined an attempt that began before
    assert keys.status().error is None
    await keys.aclose()


async def test_starting_before_the_issuer(issuer_server: IssuerServer) -> None:
    await issuer_server.stop()
    checks = verifier(keys=_keys(issuer_server))
    with pytest.raises(Unauthenticated, match=r"keys are not available \(the JWKS URL did not answer: ConnectError\)"):
        await checks.verify(token())
    await issuer_server.start()
    assert (await checks.verify(token())).subject == SUBJECT


async def test_a_key_that_the_issuer_takes_out_ends_for_remembered_tokens_too(issuer_server: IssuerServer) -> None:
    issuer_server.answer = answering(jwks(jwk("rsa"), jwk("p256")))
    keys = _keys(issuer_server, refresh_every=timedelta(seconds=0.05))
    keys.start()
    checks = verifier(keys=keys)
    old, new = token(), token("p256", "ES256")
    for _ in range(20):
        assert {(await checks.verify(text)).subject for text in (old, new)} == {SUBJECT}
    issuer_server.answer = answering(jwks(jwk("p256")))
    await _until(lambda: _is(keys.status().count == 1))
    with pytest.raises(Unauthenticated, match="unknown key"):
        await checks.verify(old)
    assert (await checks.verify(new)).subject == SUBJECT
    await keys.aclose()


async def test_a_flood_of_made_up_kids_is_one_request_to_the_issuer(issuer_server: IssuerServer) -> None:
    keys = LoadedKeys(from_url(issuer_server.url))
    checks = verifier(keys=keys)
    await checks.verify(token())
    floods = (checks.verify(token(headers={"kid": f"made-up-{number}"})) for number in range(200))
    outcomes = await asyncio.gather(*floods, return_exceptions=True)
    assert {str(outcome) for outcome in outcomes} == {"The token is signed with an unknown key."}
    assert issuer_server.requests == 1  # the first read was less than ten seconds ago


async def test_the_service_starts_before_the_issuer_and_says_so(issuer_server: IssuerServer, tmp_path: Path) -> None:
    await issuer_server.stop()
    environment = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "JWT_JWKS": issuer_server.url}
    query = {"query": "{ me { id } }"}
    async with serving(tmp_path, **environment) as (_, client):
        client.headers["Authorization"] = f"Bearer {token()}"
        refused = await client.post("/graphql", json=query)
        assert refused.status_code == 401
        assert "The issuer's keys are not available" in refused.json()["errors"][0]["message"]
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["dependencies"]["tokenKeys"]["state"]) == (200, "down")
        assert 'token_refusals_total{reason="keys_unavailable"} 1.0' in (await client.get("/metrics")).text
        await issuer_server.start()
        await _until(lambda: _answers(client.post("/graphql", json=query)))
        assert (await client.get("/readyz")).json()["dependencies"]["tokenKeys"]["count"] == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answering("{}", "500 Internal Server Error"), "the JWKS URL answered 500"),
        (answering("", "302 Found", "Location: http://127.0.0.1:1/"), "the JWKS URL answered 302"),
        (answering("<html>"), "the JWKS is not JSON"),
        (answering('{"keys": []}'), "the JWKS has no usable key"),
        (answering(" " * (MAX_DOCUMENT_BYTES + 1)), "the JWKS is larger than 1 MiB"),
        (
            answering("not gzip at all", "200 OK", "Content-Encoding: gzip"),
            "the JWKS URL did not answer: DecodingError",
        ),
        (hanging_up, "the JWKS URL did not answer: "),
    ],
)
async def test_an_answer_that_is_no_jwks_says_why(issuer_server: IssuerServer, answer: Answer, reason: str) -> None:
    issuer_server.answer = answer
    keys = _keys(issuer_server)
    with pytest.raises(KeysUnavailable) as refusal:
        await keys.find("rsa")
    assert refusal.value.reason.startswith(reason)
    assert keys.status().error == refusal.value.reason


@pytest.mark.parametrize("answer", [dripping, silent])
async def test_an_answer_that_never_ends_is_given_up(issuer_server: IssuerServer, answer: Answer) -> None:
    issuer_server.answer = answer
    with pytest.raises(KeysUnavailable, match="the JWKS URL did not answer: TimeoutError"):
        await from_url(issuer_server.url, timeout=timedelta(seconds=0.5))()
