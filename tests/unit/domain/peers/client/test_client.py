"""A call of a peer, whatever its instances do."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from domain.errors import PeerUnavailable
from domain.peers.breaker.breakers import Breakers
from domain.peers.breaker.errors import CircuitOpen
from domain.peers.client.answer import GRAPHQL, MAX_BYTES
from domain.peers.client.trace import is_valid
from tests.unit.domain.peers.client.peers import A, Answer, B, C, Peer, Stream, answer, failure

FINE = answer(body=b'{"data":{"x":1}}')
REFUSED = failure(httpx.ConnectError(""))
BROKEN = failure(httpx.ReadError(""))


async def _hang(_: httpx.Request) -> httpx.Response:
    await asyncio.sleep(3600)
    raise AssertionError


async def _failure(peer: Peer, *, idempotent: bool = True) -> PeerUnavailable:
    with pytest.raises(PeerUnavailable) as caught:
        await peer.client.post(b"{}", idempotent=idempotent)
    return caught.value


async def test_an_answer_is_given_and_where_it_came_from() -> None:
    response = await Peer({A: [FINE]}).client.post(b"{}")
    assert (response.body, response.address) == ({"data": {"x": 1}}, "10.0.0.1:80")


async def test_what_is_sent() -> None:
    peer = Peer({A: [FINE]})
    await peer.client.post(b'{"query":""}', headers={"authorization": "Bearer t"}, deadline=time.monotonic() + 0.2)
    request = peer.asked[0][1]
    assert (request.method, str(request.url), request.content) == ("POST", "http://10.0.0.1/graphql", b'{"query":""}')
    assert request.headers["host"] == "posts.default.svc"
    assert request.headers["authorization"] == "Bearer t"
    assert request.headers["content-type"] == "application/json"
    assert 100 < int(request.headers["x-request-timeout"]) <= 200
    assert is_valid(request.headers["traceparent"])


async def test_a_trace_goes_on() -> None:
    peer, parent = Peer({A: [FINE]}), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await peer.client.post(b"{}", headers={"traceparent": parent})
    assert peer.asked[0][1].headers["traceparent"] == parent


BAD_ANSWERS = {
    "it answered 500": answer(500),
    "it answered 302": answer(302),
    "it answered 404": answer(404, kind="text/html"),
    "it answered 400": answer(400),  # JSON with an error's status may be anybody's
    "it answered 429": answer(429),
    "its answer is not JSON": answer(body=b"{"),
    "its answer is no JSON object": answer(body=b"[]"),
    "its answer is compressed, which was not asked for": answer(headers={"content-encoding": "gzip"}),
    "its answer is larger than 10 MB": answer(body=b" " * (MAX_BYTES + 1)),
    "it could not be reached": REFUSED,
    "it could not be reached in time": failure(httpx.ConnectTimeout("")),
    "all connections to it are in use": failure(httpx.PoolTimeout("")),
    "the connection broke": BROKEN,
    "it did not answer in time": _hang,
    "it did not speak HTTP": failure(httpx.DecodingError("")),
    "the request cannot be sent": failure(httpx.LocalProtocolError("")),
}


@pytest.mark.parametrize("reason", BAD_ANSWERS)
async def test_a_bad_answer_has_its_reason(reason: str) -> None:
    peer = Peer({A: [BAD_ANSWERS[reason]]}, timeout=0.1)
    error = await _failure(peer)
    assert (error.peer, error.reason) == ("posts", reason)
    assert peer.client.status().instances[0].in_flight == 0


@pytest.mark.parametrize("kind", ["text/html", "application/jsonp", "text/json", ""])
async def test_another_content_type_is_refused(kind: str) -> None:
    assert (await _failure(Peer({A: [answer(kind=kind)]}))).reason == "its answer is not JSON"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", GRAPHQL])
async def test_json_has_two_names(kind: str) -> None:
    assert (await Peer({A: [answer(kind=kind)]}).client.post(b"{}")).body == {"data": {}}


async def test_a_graphql_answer_may_have_an_errors_status() -> None:
    peer = Peer({A: [answer(400, b'{"errors":[]}', GRAPHQL)]})
    assert (await peer.client.post(b"{}")).body == {"errors": []}


async def test_of_what_is_too_large_no_more_is_read() -> None:
    stream = Stream(*[b" " * 1_000_000] * 1000)

    async def large(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "application/json"}, stream=stream)

    peer = Peer({A: [large], B: [large]})
    assert (await _failure(peer)).reason == "its answer is larger than 10 MB"
    assert (stream.taken, stream.closed) == (11, True)
    assert len(peer.asked) == 1  # another one's would be as large


REPEATED: list[tuple[Answer, bool, bool]] = [
    (REFUSED, True, True),
    (answer(429), True, True),
    (answer(503, headers={"retry-after": "3"}), True, True),
    (BROKEN, True, False),
    (answer(500), True, False),
    (answer(503), True, False),
    (answer(body=b"{"), True, False),
    (answer(404, kind="text/plain"), False, False),
]


@pytest.mark.parametrize(("bad", "query", "mutation"), REPEATED)
@pytest.mark.parametrize("idempotent", [True, False])
async def test_another_instance_is_asked_if_that_does_no_harm(
    bad: Answer, query: bool, mutation: bool, idempotent: bool
) -> None:
    peer = Peer({A: [bad], B: [bad]})
    await _failure(peer, idempotent=idempotent)
    assert len(peer.asked) == len(set(peer.addresses)) + (bad is BROKEN and idempotent)
    assert (len(set(peer.addresses)) == 2) is (query if idempotent else mutation)


async def test_where_one_instance_fails_no_call_does() -> None:
    peer = Peer({A: [REFUSED], B: [FINE], C: [answer(500)]})
    for _ in range(50):
        assert (await peer.client.post(b"{}")).address == B.address


async def test_after_three_attempts_it_is_enough() -> None:
    peer = Peer({one: [answer(500)] for one in (A, B, C)} | {type(A)("10.0.0.4", 80): [answer(500)]})
    await _failure(peer)
    assert len(peer.asked) == 3


async def test_the_budget_ends_retries() -> None:
    peer = Peer({A: [answer(500)], B: [answer(500)]})
    for _ in range(200):
        await _failure(peer)
    status = peer.client.status()
    assert status.retries < 150  # a hundred, and a fifth of the calls
    assert status.retries_refused > 50
    assert status.outcomes["failed"] == len(peer.asked) == 200 + status.retries


async def test_retry_after_is_told_and_kept() -> None:
    peer = Peer({A: [answer(429, headers={"retry-after": "7"})], B: [FINE]})
    for _ in range(50):
        await peer.client.post(b"{}")
    assert peer.addresses.count(A) <= 1
    alone = Peer({A: [answer(429, headers={"retry-after": "7"})]})
    assert (await _failure(alone)).retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(("error", "looks"), [(REFUSED, 1), (answer(500), 0)])
async def test_a_connection_that_fails_asks_for_a_look(error: Answer, looks: int) -> None:
    peer = Peer({A: [error]})
    await _failure(peer)
    assert peer.looks == looks


async def test_without_instances_it_is_looked_again() -> None:
    peer = Peer({})
    assert (await _failure(peer)).reason == "no instance of it is known"
    assert peer.looks == 1


async def test_without_time_nobody_is_asked() -> None:
    peer = Peer({A: [FINE]})
    with pytest.raises(PeerUnavailable, match="no time left"):
        await peer.client.post(b"{}", deadline=time.monotonic() - 1)
    assert peer.asked == []


async def test_a_short_deadline_speaks_against_nobody() -> None:
    breakers = Breakers(["posts"])
    peer = Peer({A: [_hang], B: [_hang]}, guard=lambda: breakers.get("posts"), timeout=60)
    for _ in range(10):
        with pytest.raises(PeerUnavailable, match="did not answer in time"):
            await peer.client.post(b"{}", deadline=time.monotonic() + 0.02)
    assert sum(one.failures for one in peer.client.status().instances) == 0
    assert breakers.status()[0].tally.calls == 0


async def test_a_call_that_is_cancelled_leaves_nothing_behind() -> None:
    breakers = Breakers(["posts"])
    peer = Peer({A: [_hang]}, guard=lambda: breakers.get("posts"), timeout=60)
    call = asyncio.create_task(peer.client.post(b"{}"))
    await asyncio.sleep(0.01)
    assert peer.client.status().instances[0].in_flight == 1
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    status = peer.client.status().instances[0]
    assert (status.in_flight, status.requests, status.failures) == (0, 0, 0)
    assert breakers.status()[0].tally.calls == 0


async def test_an_open_circuit_asks_nobody_and_says_when_to_ask_again() -> None:
    @asynccontextmanager
    async def closed() -> AsyncIterator[None]:
        raise CircuitOpen("posts", timedelta(seconds=4))
        yield

    peer = Peer({A: [FINE]}, guard=closed)
    error = await _failure(peer)
    assert (error.reason, error.retry_after) == ("its circuit is open", timedelta(seconds=4))
    assert peer.asked == []
    assert peer.client.status().instances[0].in_flight == 0


async def test_what_fails_opens_the_circuit_and_what_is_refused_does_not() -> None:
    for bad, opens in ((answer(500), True), (answer(404, kind="text/plain"), False)):
        breakers = Breakers(["posts"])
        peer = Peer({A: [bad]}, guard=lambda breakers=breakers: breakers.get("posts"))  # type: ignore[misc]
        for _ in range(20):
            await _failure(peer)
        assert (breakers.status()[0].state == "opened") is opens


async def test_an_instance_that_leaves_is_closed_after_its_last_request() -> None:
    released = asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        await released.wait()
        return await FINE(request)

    peer = Peer({A: [slow]}, timeout=5)
    call = asyncio.create_task(peer.client.post(b"{}"))
    await asyncio.sleep(0.01)
    peer.client.update([B])
    await asyncio.sleep(0.01)
    assert not peer.opened[0].is_closed
    released.set()
    assert (await call).address == A.address
    await asyncio.sleep(0.01)
    assert peer.opened[0].is_closed


async def test_an_idle_instance_that_leaves_is_closed_at_once_and_opened_anew() -> None:
    peer = Peer({A: [FINE]})
    await peer.client.post(b"{}")
    peer.client.update([])
    await asyncio.sleep(0.01)
    assert peer.opened[0].is_closed
    peer.client.update([A])
    await peer.client.post(b"{}")
    assert len(peer.opened) == 2
    await peer.client.aclose()
    assert peer.opened[1].is_closed
