"""Users with the fields of a real peer: processes of the API and of the example, killed, paused and started again."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.graph.process import ROOT, serving, start, stopped
from tests.integration.indexer.process import environment_of, until
from tests.integration.peers.posts import Posts, instances
from tests.servers.ports import free_port

USERS = 20
QUERY = "{ users(first: 20) { edges { node { id username posts(first: 2) { title author: id writtenAt } } } } }"
SEEN = "{ peers { name circuit retryAfter instances { address state requests failures } lookupError } }"


class World:
    """The API, the two instances of the peer, and a file that says where they are."""

    def __init__(self, client: httpx.AsyncClient, posts: list[Posts]) -> None:
        self.client = client
        self.posts = posts

    async def ask(self, query: str = QUERY) -> dict[str, Any]:
        body: dict[str, Any] = (await self.client.post("/graphql", json={"query": query}, timeout=20)).json()
        return body

    async def nodes(self) -> list[dict[str, Any]]:
        return [edge["node"] for edge in (await self.ask())["data"]["users"]["edges"]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    environment = environment_of({"DATA_DIR": str(tmp_path), "ENVIRONMENT": "development"})
    filling = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "domain", "sample", "--count", str(USERS), env=environment, cwd=ROOT
    )
    assert await filling.wait() == 0
    async with instances(tmp_path, 2) as posts:
        where = tmp_path / "posts.txt"
        where.write_text("".join(f"{each.address}\n" for each in posts))
        peers = json.dumps({"posts": {"url": f"file://{where}", "timeout": "1"}})
        async with serving(tmp_path, PEERS=peers, PEER_SCHEMAS="examples/posts") as (_, client):
            yield World(client, posts)


async def test_users_have_posts(world: World) -> None:
    nodes = await world.nodes()
    assert len(nodes) == USERS
    assert any(node["posts"] for node in nodes)
    for node in nodes:
        assert all(post["author"].startswith(f"{node['id']}-") for post in node["posts"])
    (peer,) = (await world.ask(SEEN))["data"]["peers"]
    assert (peer["name"], peer["circuit"], peer["lookupError"]) == ("posts", "CLOSED", None)
    assert {each["address"] for each in peer["instances"]} == {each.address for each in world.posts}
    assert sum(each["requests"] for each in peer["instances"]) == 1  # all the users were one call


async def test_an_instance_that_is_killed_costs_no_answer(world: World) -> None:
    await world.nodes()
    await world.posts[0].kill()
    for _ in range(20):
        body = await world.ask()
        assert "errors" not in body
    await world.posts[0].start()
    for _ in range(20):
        assert "errors" not in await world.ask()


async def test_a_peer_that_is_gone_costs_its_own_fields_and_comes_back(world: World) -> None:
    for each in world.posts:
        await each.kill()

    async def refused_at_once() -> bool:
        body = await world.ask()
        assert len(body["data"]["users"]["edges"]) == USERS
        assert all(edge["node"]["username"] for edge in body["data"]["users"]["edges"])
        assert all(edge["node"]["posts"] is None for edge in body["data"]["users"]["edges"])
        assert {error["extensions"]["code"] for error in body["errors"]} == {"PEER_UNAVAILABLE"}
        return all("retryAfter" in error["extensions"] for error in body["errors"])

    await until(refused_at_once, "the circuit opens and says when to come back")
    (peer,) = (await world.ask(SEEN))["data"]["peers"]
    assert peer["circuit"] == "OPEN"
    readiness = await world.client.get("/readyz")
    assert readiness.status_code == 200
    assert readiness.json()["dependencies"]["peer posts"]["state"] == "down"
    await asyncio.gather(*(each.start() for each in world.posts))

    async def all_is_well() -> bool:
        return "errors" not in await world.ask()

    await until(all_is_well, "the peer is asked again")


async def test_a_peer_that_hangs_is_given_up_in_time(world: World) -> None:
    await world.nodes()
    for each in world.posts:
        each.pause()
    began = time.monotonic()
    body = await world.ask()
    assert time.monotonic() - began < 5
    assert {error["extensions"]["code"] for error in body["errors"]} == {"PEER_UNAVAILABLE"}
    assert len(body["data"]["users"]["edges"]) == USERS
    for each in world.posts:
        each.resume()

    async def all_is_well() -> bool:
        return "errors" not in await world.ask()

    await until(all_is_well, "the peer answers again")


async def test_metrics_tell_of_peers(world: World) -> None:
    await world.nodes()
    page = (await world.client.get("/metrics")).text
    assert 'peer_instances{peer="posts",state="active"} 2.0' in page
    assert 'peer_attempts_total{outcome="answered",peer="posts"} 1.0' in page
    assert 'circuit_state{circuit="peer posts",state="closed"} 1.0' in page
    assert "users/" not in page


async def test_only_administrators_see_peers(world: World) -> None:
    world.client.headers.pop("Authorization")
    assert (await world.client.post("/graphql", json={"query": SEEN})).status_code == 401


async def _command(*arguments: str, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "graph", "peers", *arguments, env=environment_of(environment), cwd=ROOT,
        stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, " ".join(out.decode().split()), " ".join(err.decode().split())


async def test_the_command_shows_peers_and_whether_they_are_well(world: World) -> None:
    await world.nodes()
    url = f"{world.client.base_url}/graphql"
    environment = {"TOKEN": world.client.headers["Authorization"].removeprefix("Bearer ")}
    code, out, _ = await _command("--url", url, **environment)
    assert code == 0
    assert "circuit closed" in out
    assert all(f"{each.address} active" in out for each in world.posts)
    code, out, _ = await _command("--url", url, "--json", **environment)
    assert [peer["name"] for peer in json.loads(out)] == ["posts"]
    for each in world.posts:
        await each.kill()

    async def is_open() -> bool:
        for _ in range(12):  # as many in a short time as its circuit wants to see
            await world.ask()
        return (await _command("--url", url, **environment))[0] == 1

    await until(is_open, "the command tells that the peer is not asked")


async def test_the_command_says_what_is_wrong_with_the_question(world: World) -> None:
    url = f"{world.client.base_url}/graphql"
    code, _, err = await _command("--url", url, TOKEN="x.y.z")
    assert (code, "Give an administrator's token by TOKEN." in err) == (2, True)
    code, _, err = await _command("--url", f"http://127.0.0.1:{free_port()}/graphql", TOKEN="x.y.z")
    assert (code, "no user service that answers" in err) == (3, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            'extend type User @peer(name: "posts") {\n posts: [Post!]! }\ntype Post { id: ID }',
            "2: User.posts must not be",
        ),
        ('extend type User @peer(name: "other") { x: Int }', "1: PEERS has no peer 'other'"),
        ("type Post {", "1: Syntax Error"),
    ],
)
async def test_a_bad_file_stops_the_start(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "posts.graphql").write_text(text)
    process = await start(
        tmp_path / "data",
        free_port(),
        PEERS='{"posts": {"url": "static://127.0.0.1:1"}}',
        PEER_SCHEMAS=str(tmp_path / "posts.graphql"),
    )
    code, _, error = await stopped(process)
    assert code == 2
    assert f"PEER_SCHEMAS: {tmp_path / 'posts.graphql'}:{reason}" in " ".join(error.split())


async def test_a_bad_url_stops_the_start(tmp_path: Path) -> None:
    process = await start(tmp_path, free_port(), PEERS='{"posts": {"url": "http://posts"}}')
    code, _, error = await stopped(process)
    assert code == 2
    assert "PEERS: posts: 'http://posts' cannot be the URL of a peer" in " ".join(error.split())
