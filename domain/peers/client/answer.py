"""A response read as GraphQL over HTTP: not more than is kept, and only what is JSON and says so."""

import orjson
from httpx import Response

from domain.clock import Clock
from domain.peers.client import retry_after
from domain.peers.client.outcome import Kind, Outcome

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
MAX_BYTES = 10_000_000
PAUSE = 1.0
"""Seconds that an instance is spared which asks for a pause and does not say how long."""


async def read(response: Response, clock: Clock) -> Outcome:
    """Raises what httpx raises while the body arrives."""
    if (outcome := _judged(response, clock)) is not None:
        return outcome
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > MAX_BYTES:
            return Outcome(Kind.TOO_LARGE, f"its answer is larger than {MAX_BYTES // 1_000_000} MB")
    return _parsed(bytes(body))


def _judged(response: Response, clock: Clock) -> Outcome | None:
    """What its head says; None: its body is to be read. A GraphQL answer may have an error's status, unlike JSON."""
    status = response.status_code
    after = retry_after.seconds(response.headers.get("retry-after"), clock())
    if status == 429 or (status == 503 and after is not None):
        return Outcome(Kind.THROTTLED, f"it answered {status}", retry_after=PAUSE if after is None else after)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if status >= 500 or not 200 <= status < 500 or 300 <= status < 400:
        return Outcome(Kind.FAILED, f"it answered {status}")
    if status >= 400 and kind != GRAPHQL:
        return Outcome(Kind.REFUSED, f"it answered {status}")
    if kind not in {GRAPHQL, JSON}:
        return Outcome(Kind.FAILED, "its answer is not JSON")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return Outcome(Kind.FAILED, "its answer is compressed, which was not asked for")
    return None


def _parsed(body: bytes) -> Outcome:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Outcome(Kind.FAILED, "its answer is not JSON")
    if not isinstance(answer, dict):
        return Outcome(Kind.FAILED, "its answer is no JSON object")
    return Outcome(Kind.ANSWERED, body=answer)
