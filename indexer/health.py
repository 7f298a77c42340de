"""/livez, /readyz and /metrics of the indexer's process.

/livez fails only when a pipeline's loop has not turned for a minute; waiting in backoff, an empty source and standing
by are turns. /readyz fails if the user store does not answer, and lists every pipeline.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.errors import ServiceError, SettingsError
from domain.settings import Settings
from domain.users.store import UserStore
from indexer.status import State, Status, StatusCollector

STOP_SECONDS = 2


def health_app(store: UserStore, statuses: Sequence[Status]) -> Starlette:
    """The three routes over `statuses`."""
    registry = CollectorRegistry()
    registry.register(StatusCollector(statuses))

    async def livez(_: Request) -> Response:
        stuck = [status.name for status in statuses if status.stuck]
        degraded = any(status.state is State.BACKOFF for status in statuses)
        word = "stuck" if stuck else "degraded" if degraded else "ok"
        return JSONResponse({"status": word, "stuck": stuck}, status_code=503 if stuck else 200)

    async def readyz(_: Request) -> Response:
        try:
            await store.ping()
            answer = "ok"
        except ServiceError as exc:
            answer = exc.message
        body = {"store": answer, "pipelines": [status.to_json() for status in statuses]}
        return JSONResponse(body, status_code=200 if answer == "ok" else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)])


class _Server(uvicorn.Server):
    """The process's signals are its own, not this server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve_health(app: Starlette, settings: Settings) -> AsyncIterator[None]:
    """Serve `app` on INDEXER_PORT until exit. Raises SettingsError if that is not possible."""
    try:
        listening = socket.create_server(
            (settings.host, settings.indexer_port),
            family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET,
        )
    except OSError as exc:
        raise SettingsError(
            f"HOST {settings.host} and INDEXER_PORT {settings.indexer_port} cannot be listened on: {exc.strerror}."
        ) from exc
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=STOP_SECONDS
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        listening.close()
