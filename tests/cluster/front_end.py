"""What front ends and operators see of users with posts, and of the posts' instances."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.cluster.posts import SRV
from tests.integration.graph.process import ROOT, serving
from tests.integration.indexer.process import environment_of
from tests.integration.peers.posts import Posts
from tests.servers.coredns import CoreDNS

USERS = 5
QUERY = f"{{ users(first: {USERS}) {{ edges {{ node {{ username posts(first: 2) {{ title }} }} }} }} }}"
PEERS = "{ peers { circuit lookupAge lookupError instances { address requests failures } } }"


class FrontEnd:
    """A client of the service, as an administrator."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, query: str = QUERY) -> dict[str, Any]:
        """The whole answer, errors included; raises httpx.HTTPError where there is none."""
        response = await self._client.post("/graphql", json={"query": query}, timeout=20)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    async def peer(self) -> dict[str, Any]:
        """What operators see."""
        peer: dict[str, Any]
        (peer,) = (await self.ask(PEERS))["data"]["peers"]
        return peer

    async def instances(self) -> Mapping[str, dict[str, Any]]:
        """By their addresses."""
        return {each["address"]: each for each in (await self.peer())["instances"]}

    async def asked(self, *instances: Posts) -> bool:
        """Whether each of them has answered a request since it is known."""
        known = await self.instances()
        answering = {address for address, each in known.items() if each["requests"] > each["failures"]}
        return answering >= {each.address for each in instances}

    async def content_with(self, *instances: Posts) -> bool:
        """Whether it knows these and no others, looks them up, and asks them."""
        peer = await self.peer()
        known = {each["address"] for each in peer["instances"]}
        found = known == {each.address for each in instances} and peer["lookupError"] is None
        return bool(found and peer["circuit"] == "CLOSED")

    async def stale(self) -> bool:
        """Whether operators and their monitoring are told that the last look failed."""
        told = (await self.peer())["lookupError"] is not None
        return told and 'peer_lookup_stale{peer="posts"} 1.0' in (await self._client.get("/metrics")).text

    async def has_posts(self) -> bool:
        """Whether the posts are there; if not, all else is, and the errors say that the peer is missing."""
        answer = await self.ask()
        nodes = [edge["node"] for edge in answer["data"]["users"]["edges"]]
        assert len(nodes) == USERS
        assert all(node["username"] for node in nodes)
        if "errors" not in answer:
            return True
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"PEER_UNAVAILABLE"}
        assert all(node["posts"] is None for node in nodes)
        return False


@asynccontextmanager
async def front_end_on(name_server: CoreDNS, folder: Path) -> AsyncIterator[FrontEnd]:
    """Of a service in the embedded mode, with users, that finds the posts by that name server."""
    environment = environment_of({"DATA_DIR": str(folder), "ENVIRONMENT": "development"})
    filling = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "domain", "sample", "--count", "20", env=environment, cwd=ROOT
    )
    assert await filling.wait() == 0
    peers = json.dumps({"posts": {"url": f"srv://{SRV}?nameserver={name_server.url}"}})
    async with serving(folder, PEERS=peers, PEER_SCHEMAS="examples/posts", LOG_LEVEL="ERROR") as (_, client):
        yield FrontEnd(client)
