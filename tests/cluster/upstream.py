"""An application that tells what reached it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn


@dataclass
class Upstream:
    """What it has been asked so far, oldest first; every answer has `status`."""

    seen: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer with the request as JSON: `path`, `method`, and `headers` as pairs."""
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        request = {
            "method": scope["method"],
            "path": scope["path"],
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        }
        self.seen.append(request)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(request).encode()})


def values(request: dict[str, Any], header: str) -> list[str]:
    """Every value of a header in a request as an upstream tells it."""
    pairs: Iterable[tuple[str, str]] = request["headers"]
    return [value for name, value in pairs if name == header]


@asynccontextmanager
async def upstream_on(port: int) -> AsyncIterator[Upstream]:
    """One that listens on 127.0.0.1, until exit."""
    application = Upstream()
    server = uvicorn.Server(uvicorn.Config(application, port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), f"port {port} cannot be had"
        await asyncio.sleep(0.01)
    try:
        yield application
    finally:
        server.should_exit = True
        await serving
