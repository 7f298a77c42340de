"""/livez, /readyz and /metrics: for the platform, without a token, and without anything about users."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from purgatory.domain.model import OPENED
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.errors import ServiceError
from domain.identity.jwks import KeySource
from domain.peers.peers import PeerFields
from domain.peers.status import PeerStatus
from graph.metrics import Metrics
from graph.token_metrics import TokenMetrics

PING_TIMEOUT = 2.0
_DECIDES = "store"


class Pinged(Protocol):
    async def ping(self) -> None: ...


class Health:
    """Asks every dependency; only the user store decides whether requests may come."""

    def __init__(self, dependencies: Mapping[str, Pinged], keys: KeySource, peers: PeerFields) -> None:
        self._dependencies = dependencies
        self._keys = keys
        self._peers = peers

    async def report(self) -> tuple[bool, Mapping[str, Any]]:
        """Whether the service is ready, and the state of each dependency."""
        states = await asyncio.gather(*map(_ask, self._dependencies.values()))
        found = dict(zip(self._dependencies, states, strict=True))
        ready = found[_DECIDES]["state"] == "up"
        others = {"tokenKeys": self._token_keys()} | {f"peer {peer.name}": _peer(peer) for peer in self._peers.status()}
        return ready, {"ready": ready, "dependencies": found | others}

    def _token_keys(self) -> Mapping[str, Any]:
        status = self._keys.status()
        told: dict[str, Any] = {"state": "up" if status.count else "down", "count": status.count}
        if status.age is not None:
            told["ageSeconds"] = round(status.age.total_seconds(), 1)
        return told | ({"error": status.error} if status.error else {})


def _peer(peer: PeerStatus) -> Mapping[str, Any]:
    """What is known without asking: its health is in what it answers to requests."""
    instances = peer.registry.instances
    up = bool(instances) and peer.circuit.state != OPENED
    told = {"state": "up" if up else "down", "instances": len(instances), "circuit": peer.circuit.state}
    return told | ({"error": peer.registry.error} if peer.registry.error else {})


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
        parts = (metrics.registry, TokenMetrics(state["authenticator"]), state["circuits"], state["peers"])
        page = b"".join(map(generate_latest, parts))
        return Response(page, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics_page),
    ]
