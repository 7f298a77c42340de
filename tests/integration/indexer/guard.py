"""A door before Elasticsearch, whose build for tests has no security: who has not the password gets a 401."""

import asyncio
import base64
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

NAME = "pipelines"
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]
_PASSED_ON = {"accept", "content-type"}
_PASSED_BACK = {"content-type", "x-elastic-product"}


class Guard:
    """`password` is what it wants now."""

    def __init__(self, upstream: httpx.AsyncClient, port: int, password: str) -> None:
        self.password = password
        self._upstream = upstream
        self._port = port

    def url(self, password: str) -> str:
        return f"http://{NAME}:{password}@127.0.0.1:{self._port}"

    async def answer(self, request: Request) -> Response:
        wanted = base64.b64encode(f"{NAME}:{self.password}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            return JSONResponse({"error": {"type": "security_exception"}, "status": 401}, status_code=401)
        answer = await self._upstream.request(
            request.method,
            httpx.URL(path=request.url.path, query=request.url.query.encode()),
            content=await request.body(),
            headers={name: value for name, value in request.headers.items() if name in _PASSED_ON},
        )
        kept = {name: value for name, value in answer.headers.items() if name in _PASSED_BACK}
        return Response(answer.content, answer.status_code, kept)


@contextlib.asynccontextmanager
async def guarding(elasticsearch_url: str, password: str) -> AsyncIterator[Guard]:
    """Stands there until exit."""
    listening = socket.create_server(("127.0.0.1", 0))
    async with httpx.AsyncClient(base_url=elasticsearch_url, timeout=60, trust_env=False) as upstream:
        guard = Guard(upstream, listening.getsockname()[1], password)
        app = Starlette(routes=[Route("/{path:path}", guard.answer, methods=METHODS)])
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server._serve([listening]))
        try:
            yield guard
        finally:
            server.should_exit = True
            await serving
            listening.close()
