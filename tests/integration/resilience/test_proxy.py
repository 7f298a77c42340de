"""The proxy before Elasticsearch: bytes pass through, and 429 comes where it is placed."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.chaos.proxy import Proxy, Refusing
from tests.integration.indexer.process import until
from tests.servers.ports import accepts, free_port

BULK = b"".join(
    orjson.dumps(line) + b"\n"
    for line in [
        {"index": {"_id": "a"}},
        {"delete": "a document may say so"},
        {"delete": {"_id": "b"}},
        {"index": {"_id": "c"}},
        {"name": "c"},
        {"delete": {"_id": "d"}},
    ]
)


async def _search(request: Request) -> JSONResponse:
    return JSONResponse({"said": (await request.body()).decode()})


async def _bulk(request: Request) -> JSONResponse:
    """Every action is made."""
    items, lines = [], iter((await request.body()).splitlines())
    for line in lines:
        ((kind, said),) = orjson.loads(line).items()
        if kind == "index":
            next(lines)
        items.append({kind: {"_id": said["_id"], "status": 200}})
    return JSONResponse({"items": items})


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    routes = [Route("/users/_search", _search, methods=["POST"]), Route("/users/_bulk", _bulk, methods=["POST"])]
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: accepts(port), "the server listens")
    async with Proxy(port).serving() as proxy:
        yield proxy
    server.should_exit = True
    await serving


async def _statuses(client: httpx.AsyncClient) -> list[tuple[str, str, int]]:
    answer = await client.post("/users/_bulk?require_alias=true", content=BULK)
    items = answer.raise_for_status().json()["items"]
    return [(kind, said["_id"], said["status"]) for item in items for kind, said in item.items()]


async def test_it_refuses_what_it_is_told_to_and_nothing_else(proxy: Proxy) -> None:
    async with httpx.AsyncClient(base_url=proxy.url, trust_env=False) as client:
        for refusing in Refusing:
            proxy.refusing = refusing
            said = "x" * 200_000
            assert (await client.post("/users/_search", content=said)).json() == {"said": said}
        proxy.refusing = Refusing.NOTHING
        assert [status for _, _, status in await _statuses(client)] == [200] * 4
        proxy.refusing = Refusing.REQUESTS
        assert (await client.post("/users/_bulk", content=BULK)).status_code == 429
        proxy.refusing = Refusing.ITEMS
        assert await _statuses(client) == [
            ("index", "a", 429),
            ("delete", "b", 200),
            ("index", "c", 429),
            ("delete", "d", 200),
        ]
    assert proxy.placed == {Refusing.NOTHING: 0, Refusing.REQUESTS: 1, Refusing.ITEMS: 2}


async def test_without_a_server_there_is_no_answer() -> None:
    async with Proxy(free_port()).serving() as proxy, httpx.AsyncClient(base_url=proxy.url, trust_env=False) as client:
        with pytest.raises(httpx.TransportError):
            await client.post("/users/_search")
