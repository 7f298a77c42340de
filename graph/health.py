"""/livez, /readyz and /metrics: for the platform, without a token, and without anything about users."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.errors import ServiceError
from domain.identity.jwks import KeySource
from graph.metrics import Metrics
from graph.token_metrics import TokenMetrics

PING_TIMEOUT = 2.0
_DECIDES = "store"


class Pinged(Protocol):
    async def ping(self) -> None: ...


class Health:
    """Asks every dependency; only the user store decides whether requests may come."""

    def __init__(self, dependencies: Mapping[str, Pinged], keys: KeySource) -> None:
        self._dependencies = dependencies
        self._keys = keys

    async def report(self) -> tuple[bool, Mapping[str, Any]]:
        """Whether the service is ready, and the state of each dependency."""
        states = await asyncio.gather(*map(_ask, self._dependencies.values()))
        found = dict(zip(self._dependencies, states, strict=True))
        ready = found[_DECIDES]["state"] == "up"
        return ready, {"ready": ready, "dependencies": found | {"tokenKeys": self._token_keys()}}

    def _token_keys(self) -> Mapping[str, Any]:
        status = self._keys.status()
        told: dict[str, Any] = {"state": "up" if status.count else "down", "count": status.count}
        if status.age is not None:
            told["ageSeconds"] = round(status.age.total_seconds(), 1)
        return told | ({"error": status.error} if status.error else {})


async def _ask(dependency: Pinged) -> Mapping[str, Any]:
    started = time.perf_counter()
    error: str | None = None
    try:
        async with asyncio.timeout(PING_TIMEOUT):
            await dependency.ping()
    except TimeoutError:
        error = f"no answer within {PING_TIMEOUT:g} s"
    except ServiceError as exc:
        error = exc.message
    told: dict[str, Any] = {"state": "down" if error else "up"}
    told["latencyMs"] = round((time.perf_counter() - started) * 1000, 1)
    return told | ({"error": error} if error else {})


def health_routes(metrics: Metrics) -> list[Route]:
    """The three routes; that /livez answers at all shows that the event loop turns."""

    async def livez(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(request: Request) -> Response:
        ready, report = await request.scope["state"]["health"].report()
        return JSONResponse(report, 200 if ready else 503)

    async def metrics_page(request: Request) -> Response:
        state = request.scope["state"]
        parts = (metrics.registry, TokenMetrics(state["authenticator"]), state["circuits"])
        page = b"".join(map(generate_latest, parts))
        return Response(page, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics_page),
    ]
