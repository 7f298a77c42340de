"""HTTP/1.1 by hand, because a proper client does not send what attacks send; and a server that tells what arrives."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.servers.ports import free_port

TIMEOUT = 20
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


async def send(
    port: int,
    method: str,
    target: str,
    headers: Headers = (),
    *,
    body: bytes = b"",
    tls: ssl.SSLContext | None = None,
) -> Response:
    """One request on a connection of its own, to loopback; headers go as they are, in that order."""
    async with asyncio.timeout(TIMEOUT):
        name = "users.example.com" if tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
        try:
            own = [("Host", "users.example.com"), ("Content-Length", str(len(body)))]
            if not any(name == "Connection" for name, _ in headers):
                own.append(("Connection", "close"))
            lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in (*own, *headers))]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            return await _read(reader, has_body=method != "HEAD")
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader, *, has_body: bool) -> Response:
    """By its length, where that is given: Envoy keeps a refused connection open for a second."""
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    head = Response(int(status.split()[1]), headers, b"")
    if not has_body:
        return head
    length = head.header("content-length")
    body = await reader.readexactly(int(length)) if length is not None else await reader.read()
    return Response(head.status, headers, body)


class Upstream:
    """Answers every request with what it is, as JSON; `statuses` are given out first, one a request.

    A WebSocket is opened and closed.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests = 0
        self.statuses: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            self.requests += 1
            if ("upgrade", "websocket") in pairs:
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                return
            status = self.statuses.pop(0) if self.statuses else 200
            body = json.dumps({"line": first, "headers": pairs}).encode()
            writer.write(f"HTTP/1.1 {status} Told\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
            writer.write(body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the proxy has closed a connection that it kept for later
        finally:
            writer.close()


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    told = Upstream(free_port())
    server = await asyncio.start_server(told.serve, "127.0.0.1", told.port, limit=2**20)
    async with server:
        yield told
