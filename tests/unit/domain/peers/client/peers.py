"""A peer whose instances answer by a script, and a client of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from random import Random

import httpx

from domain.peers.client.client import PeerClient
from domain.peers.instance import Instance
from domain.settings import PeerSettings
from tests.unit.domain.peers.breaker.driving import Clock

A, B, C = (Instance(f"10.0.0.{n}", 80) for n in (1, 2, 3))
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]
JSON = "application/json"


class Stream(httpx.AsyncByteStream):
    """Parts, and whether they were all taken."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self._parts = parts
        self.taken = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            await asyncio.sleep(0)
            if isinstance(part, Exception):
                raise part
            self.taken += 1
            yield part

    async def aclose(self) -> None:
        self.closed = True


def answer(
    status: int = 200, body: bytes = b'{"data":{}}', kind: str = JSON, headers: Mapping[str, str] | None = None
) -> Answer:
    async def give(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers={"content-type": kind, **(headers or {})}, stream=Stream(body))

    return give


def failure(error: Exception) -> Answer:
    async def give(_: httpx.Request) -> httpx.Response:
        raise error

    return give


class Peer:
    """`answers` are those of each instance, the last one for ever; `asked` are the requests, by address."""

    def __init__(
        self,
        answers: Mapping[Instance, list[Answer]],
        *,
        guard: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
        timeout: float = 0.5,
    ) -> None:
        self.answers = {instance: list(script) for instance, script in answers.items()}
        self.asked: list[tuple[Instance, httpx.Request]] = []
        self.opened: list[httpx.AsyncClient] = []
        self.looks = 0
        self.clock = Clock()
        self.client = PeerClient(
            "posts",
            PeerSettings(url="srv://_graphql._tcp.posts.default.svc", timeout=timeout),
            guard=guard,
            look_again=self._look_again,
            open_client=self._open,
            random=Random(1),
        )
        self.client.update(list(answers))

    @property
    def addresses(self) -> list[Instance]:
        return [instance for instance, _ in self.asked]

    def _open(self, instance: Instance) -> httpx.AsyncClient:
        async def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append((instance, request))
            script = self.answers[instance]
            return await (script.pop(0) if len(script) > 1 else script[0])(request)

        client = httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url=f"http://{instance.address}")
        self.opened.append(client)
        return client

    def _look_again(self) -> None:
        self.looks += 1
