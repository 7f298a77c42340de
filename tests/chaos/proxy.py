"""A proxy in front of Elasticsearch that now and then answers a bulk with 429: whole, or some of its items.

Everything else passes through as bytes. What happens to Elasticsearch happens to the proxy's clients: a connection
that ends or cannot be made is closed, one that is silent stays silent.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import httpx
import orjson

from tests.servers.ports import free_port

_ERROR = {"type": "es_rejected_execution_exception", "reason": "placed by a test"}
_CHUNK = 65_536
_FORWARD_SECONDS = 60.0


class Refusing(Enum):
    """What is answered with 429."""

    NOTHING = "nothing"
    REQUESTS = "requests"
    ITEMS = "items"


@dataclass(frozen=True, slots=True)
class _Request:
    head: bytes
    body: bytes

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    @property
    def is_bulk(self) -> bool:
        return self.target.partition("?")[0].endswith("/_bulk")

    def header(self, name: str) -> str:
        """Its value, or nothing."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return ""


class Proxy:
    """`refusing` is what it does now; `placed` counts the refusals of each kind."""

    def __init__(self, upstream_port: int) -> None:
        self.port = free_port()
        self.refusing = Refusing.NOTHING
        self.placed = dict.fromkeys(Refusing, 0)
        self._upstream_port = upstream_port
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{upstream_port}", trust_env=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Proxy"]:
        """Listen until exit."""
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", self.port)
        try:
            async with self._client:
                yield self
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, httpx.HTTPError):
            async with _closing(writer):
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
                async with _closing(up_writer):
                    answers = asyncio.create_task(_pump(up_reader, writer))
                    try:
                        while True:
                            await self._pass_on(await _read(reader), writer, up_writer)
                    finally:
                        answers.cancel()

    async def _pass_on(self, request: _Request, client: asyncio.StreamWriter, upstream: asyncio.StreamWriter) -> None:
        if request.is_bulk and self.refusing is Refusing.REQUESTS:
            self.placed[Refusing.REQUESTS] += 1
            client.write(_response(429, {"error": _ERROR, "status": 429}))
        elif request.is_bulk and self.refusing is Refusing.ITEMS:
            client.write(_response(200, await self._refuse_items(request)))
        else:
            upstream.write(request.head + request.body)
        await client.drain()
        await upstream.drain()

    async def _refuse_items(self, request: _Request) -> dict[str, Any]:
        """The first, third ... action is refused; the answer of the others is Elasticsearch's."""
        actions = list(_actions(request.body))
        items: list[dict[str, Any]] = [_refused(action) for action in actions]
        self.placed[Refusing.ITEMS] += len(actions[::2])
        if passed := actions[1::2]:
            headers = {"Content-Type": request.header("content-type"), "Accept": request.header("accept")}
            body = b"".join(line + b"\n" for action in passed for line in action)
            answer = await self._client.post(request.target, content=body, headers=headers, timeout=_FORWARD_SECONDS)
            answer.raise_for_status()
            items[1::2] = answer.json()["items"]
        return {"took": 1, "errors": True, "items": items}


async def _read(reader: asyncio.StreamReader) -> _Request:
    """Raises IncompleteReadError at the end."""
    request = _Request(await reader.readuntil(b"\r\n\r\n"), b"")
    length = int(request.header("content-length") or 0)
    return _Request(request.head, await reader.readexactly(length))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until there is no more; then the other side's connection is at its end, too."""
    with contextlib.suppress(OSError):
        async with _closing(writer):
            while data := await reader.read(_CHUNK):
                writer.write(data)
                await writer.drain()


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _actions(body: bytes) -> Iterator[Sequence[bytes]]:
    """The lines of each action of a bulk."""
    lines = iter(body.splitlines())
    for line in lines:
        yield [line] if "delete" in orjson.loads(line) else [line, next(lines)]


def _refused(action: Sequence[bytes]) -> dict[str, Any]:
    ((kind, said),) = orjson.loads(action[0]).items()
    return {kind: {"_id": said["_id"], "status": 429, "error": _ERROR}}


def _response(status: int, content: dict[str, Any]) -> bytes:
    body = orjson.dumps(content)
    head = (
        f"HTTP/1.1 {status} \r\nContent-Type: application/json\r\nX-elastic-product: Elasticsearch\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
