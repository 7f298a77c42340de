"""A rotation of keys, step by step as an operator does it, while requests flow: no token that holds is refused.

Every request is checked twice, by the sidecar and by the service behind it.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import jwt
import pytest

from tests.cluster.manifests import Manifests
from tests.cluster.mesh import Mesh
from tests.cluster.service import mount_keys, service_on
from tests.cluster.waiting import until

LIFE = 6  # seconds that a token holds
SETTLE = 2  # seconds that verifiers may take to learn of a key
MARGIN = 1  # seconds before its end in which a token is used no more: a request takes its time
EVERY = 1.5  # seconds between two tokens


@dataclass
class Traffic:
    """Tokens as they are issued, and how requests with those that hold were answered."""

    tokens: list[str] = field(default_factory=list)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By the key that signed the token, and the status."""

    def holding(self) -> str | None:
        """Any token that holds."""
        now = time.time()
        holding = [token for token in self.tokens if _expiry(token) - MARGIN > now]
        return random.choice(holding) if holding else None

    def keys(self) -> list[str]:
        """The keys whose tokens were used, in the order of their use."""
        return list(dict.fromkeys(key for key, _ in self.answers))


@pytest.fixture
async def own_keys(mesh: Mesh, manifests: Manifests, tmp_path: Path) -> AsyncIterator[Manifests]:
    """Keys without a token that holds for longer than this test has time, in force."""
    own = Manifests.made(tmp_path, ttl=LIFE)
    await mesh.trust(own)
    yield own
    await mesh.trust(manifests)


@pytest.fixture
async def mounted(mesh: Mesh, own_keys: Manifests, tmp_path: Path) -> AsyncIterator[Path]:
    """The service that checks every token again, and where its keys are."""
    async with service_on(mesh, own_keys, tmp_path) as keys:
        yield keys


async def test_a_rotation_refuses_no_token_that_holds(
    mesh: Mesh,
    outside: httpx.AsyncClient,
    own_keys: Manifests,
    mounted: Path,
    record_property: Callable[[str, object], None],
) -> None:
    traffic, manifests, begun = Traffic(), own_keys, time.monotonic()
    async with _flowing(traffic, manifests, outside):
        await asyncio.sleep(EVERY)
        policy = (f"--settle=PT{SETTLE}S", f"--longest-life=PT{LIFE}S", "--leeway=PT0S")
        await _step(manifests, "add", *policy, "--key-type=ec")
        await _apply(mesh, manifests, mounted)
        await asyncio.sleep(SETTLE + 1)
        await _step(manifests, "sign")
        await asyncio.sleep(LIFE + 1)
        await _step(manifests, "drop")
        await _apply(mesh, manifests, mounted)
        dropped = await until(
            lambda: _forgotten(outside, traffic.tokens[0]), "the mesh has forgotten the old key", poll=0.01
        )
        await asyncio.sleep(2 * EVERY)

    assert len(traffic.keys()) == 2
    assert {status for _, status in traffic.answers} == {200}
    lines = [f"{key}  {status}  {count} requests" for (key, status), count in traffic.answers.items()]
    lines.append(f"{len(traffic.tokens)} tokens of {LIFE} s in {time.monotonic() - begun:.0f} s")
    lines.append(
        f"from the end of `kubectl apply` without the old key until the mesh refuses it: {dropped * 1000:.0f} ms"
    )
    record_property("show", "\n".join(lines))


@asynccontextmanager
async def _flowing(traffic: Traffic, manifests: Manifests, client: httpx.AsyncClient) -> AsyncIterator[None]:
    """Tokens are issued and used until exit."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_issue(traffic, manifests)), group.create_task(_use(traffic, client))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _issue(traffic: Traffic, manifests: Manifests) -> None:
    while True:
        said = await asyncio.to_thread(
            manifests.script, "generate_token.py", "--sub=operator", "--scope=user:read", f"--ttl={LIFE}", apply=False
        )
        traffic.tokens.append(said.strip())
        await asyncio.sleep(EVERY)


async def _use(traffic: Traffic, client: httpx.AsyncClient) -> None:
    while True:
        if token := traffic.holding():
            answer = await _ask(client, token)
            traffic.answers[jwt.get_unverified_header(token)["kid"], answer.status_code] += 1
        await asyncio.sleep(0.02)


async def _apply(mesh: Mesh, manifests: Manifests, mounted: Path) -> None:
    """As each step says, to both verifiers."""
    kubectl = mesh.cluster.kubectl
    await kubectl("apply", "-f", str(manifests.request_auth), "-f", str(manifests.published_keys))
    await mount_keys(kubectl, mounted)


async def _step(manifests: Manifests, step: str, *arguments: str) -> None:
    await asyncio.to_thread(manifests.script, "rotate_keys.py", step, *arguments)


async def _forgotten(client: httpx.AsyncClient, token: str) -> bool:
    """Refused by the proxy, for want of the key; the service would say it in JSON."""
    answer = await _ask(client, token)
    return answer.status_code == 401 and answer.text.startswith("Jwks doesn't have key")


async def _ask(client: httpx.AsyncClient, token: str) -> httpx.Response:
    """Something that the service answers only to whom it knows."""
    query = {"query": "{ users(first: 1) { totalCount } }"}
    return await client.get("/graphql", params=query, headers={"Authorization": f"Bearer {token}"})


def _expiry(token: str) -> int:
    expiry: int = jwt.decode(token, options={"verify_signature": False})["exp"]
    return expiry
