"""What the application holds while it runs: opened here, closed here, and typed."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from typing import Any, TypedDict

import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.backends import Backends, open_backends
from domain.guards import api_breakers, force_circuits, guarded_load
from domain.identity.mesh import HEADER
from domain.identity.tokens import TokenVerifier
from domain.identity.verifier import verifier
from domain.peers.breaker.breakers import Breakers
from domain.peers.breaker.log import log_event
from domain.peers.federation import Peers, open_peers
from domain.peers.peers import PeerFields
from domain.settings import Settings
from graph.auth import Authenticator
from graph.circuit_metrics import CircuitMetrics
from graph.context import Services
from graph.health import Health
from graph.index_lag import IndexLag
from graph.peers.metrics import PeerMetrics

_log = structlog.get_logger("graph")

Opener = Callable[[Settings], AbstractAsyncContextManager[Backends]]


class State(TypedDict):
    """`scope["state"]` of every request."""

    services: Services
    authenticator: Authenticator
    health: Health
    circuits: CircuitMetrics
    peers: PeerMetrics


Lifespan = Callable[[Starlette], AbstractAsyncContextManager[State]]


def lifespan(settings: Settings, opener: Opener | None = None) -> Lifespan:
    """Starlette's lifespan; without an `opener` the settings say what is opened.

    Entering raises SettingsError for a setting that is refused or a store out of reach.
    """

    @asynccontextmanager
    async def run(_: Starlette) -> AsyncIterator[State]:
        breakers = api_breakers()
        breakers.listen(log_event)
        opened = opener(settings) if opener else open_backends(settings, breakers)
        async with (
            aclosing(verifier(settings, partial(guarded_load, breakers=breakers))) as tokens,
            open_peers(settings.peers, breakers) as peers,
            opened as backends,
        ):
            await force_circuits(breakers, settings.circuits)
            tokens.keys.start()
            if settings.trust_mesh_claims:
                _log.warning("mesh_claims_trusted", header=HEADER, sender="any process of this pod or machine")
            yield state(settings, backends, tokens, peers, breakers)

    return run


def state(settings: Settings, backends: Backends, tokens: TokenVerifier, peers: Peers, breakers: Breakers) -> State:
    """The state over opened backends."""
    return State(
        services=services(settings, backends, peers),
        authenticator=Authenticator(tokens, backends.store, trust_mesh=settings.trust_mesh_claims),
        health=Health(backends.dependencies, tokens.keys, peers),
        circuits=CircuitMetrics(breakers),
        peers=PeerMetrics(peers),
    )


def services(settings: Settings, backends: Backends, peers: PeerFields) -> Services:
    """What resolvers have of opened backends."""
    return Services(
        users=backends.users,
        search=backends.search,
        change_tokens=backends.change_tokens,
        index_lag=IndexLag(backends.ledger),
        version=settings.app_version,
        mode=settings.mode,
        peers=peers,
    )


def with_state(app: ASGIApp, opened: Mapping[str, Any] | None) -> ASGIApp:
    """`app` with an open lifespan's state in every request: for those who enter the lifespan themselves.

    A server that enters it would turn an error at start-up into a logged stack trace.
    """

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = dict(opened or {})
        await app(scope, receive, send)

    return run
