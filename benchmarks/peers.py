"""What balancing is worth where instances are slow, fail and are restarted, and what it costs a call."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import httpx

from benchmarks.measure import milliseconds, percentile, table
from domain.peers.balancer.balancer import Balancer
from domain.peers.breaker.breakers import Breakers
from domain.peers.client.balancing import Balancing
from domain.peers.client.client import PeerClient
from domain.peers.client.retry_budget import DEFAULT_RETRIES, RetryPolicy
from domain.peers.instance import Instance
from domain.settings import PeerSettings
from tests.fixtures import peer_simulation
from tests.fixtures.peer_processes import Flow, Peer, running
from tests.fixtures.peer_server import Mode
from tests.fixtures.peer_simulation import NO_RETRIES, Scenario, simulate
from tests.fixtures.virtual_time import run

SCENARIO = Scenario()
HEALTHY = replace(SCENARIO, instances=70, slow=0.0, failing=0.0, restarting=False)
CALLS = 2_000
CHOOSERS: dict[str, Callable[[], Balancing]] = {
    "round robin": peer_simulation.round_robin,
    "random": peer_simulation.at_random,
    "ours": peer_simulation.ours,
}
RATE, DELAY = 60.0, 0.1


def measure() -> None:
    """Print a table a question."""
    print(table(("100 instances, virtual time", "succeed", "failed", "p50", "p99"), _simulations()))
    print(table(("5 processes", "requests", "failed", "p50", "p99"), asyncio.run(_processes())))
    print(table(("one pick and its end", "median", "p99"), _picks()))
    print(table(("one call over loopback", "median", "p99"), asyncio.run(_calls())))


def _simulations() -> Sequence[Sequence[str]]:
    rows = [_simulation("the 70 healthy ones alone, ours", HEALTHY, peer_simulation.ours, DEFAULT_RETRIES)]
    for retries, suffix in ((NO_RETRIES, ""), (DEFAULT_RETRIES, ", with retries")):
        rows += [_simulation(name + suffix, SCENARIO, choose, retries) for name, choose in CHOOSERS.items()]
    return rows


def _simulation(
    name: str, scenario: Scenario, balancer: Callable[[], Balancing], retries: RetryPolicy
) -> Sequence[str]:
    result = run(simulate(scenario, balancer, retries=retries))
    return name, f"{result.success_rate:.2%}", f"{result.failed:,}", *_times(result.seconds)


async def _processes() -> Sequence[Sequence[str]]:
    return [
        await _flow("the 4 healthy ones alone", 4, _quiet),
        await _flow("one is 20 times slower", 5, _quiet, slow=True),
        await _flow("one answers 500", 5, _quiet, fails=True),
        await _flow("rolling restart", 5, _restart),
        *[await _everything(name, balancer) for name, balancer in CHOOSERS.items()],
    ]


async def _everything(name: str, balancer: Callable[[], Balancing]) -> Sequence[str]:
    told = f"rolling restart, one is 20 times slower, one answers 500: {name}"
    return await _flow(told, 5, _restart, slow=True, fails=True, balancer=balancer)


async def _quiet(_: Peer) -> None:
    await asyncio.sleep(25)


async def _restart(peer: Peer) -> None:
    await asyncio.sleep(2)
    await peer.restart_all(pause=5)


async def _flow(
    name: str,
    count: int,
    meanwhile: Callable[[Peer], Awaitable[None]],
    *,
    slow: bool = False,
    fails: bool = False,
    balancer: Callable[[], Balancing] = peer_simulation.ours,
) -> Sequence[str]:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), count, delay=DELAY, timeout=10.0, balancer=balancer()) as peer:
            if slow:
                await peer.processes[0].behave(delay=20 * DELAY)
            if fails:
                await peer.processes[1].behave(Mode.ERROR)
            async with Flow(peer.client, RATE) as flow:
                await meanwhile(peer)
        return name, f"{len(flow.seconds):,}", str(sum(flow.reasons.values())), *_times(flow.seconds)


def _picks() -> Sequence[Sequence[str]]:
    return [(f"of {count} instances", *_micro([_pick(balancer) for _ in range(CALLS)])) for count, balancer in _sets()]


def _sets() -> Sequence[tuple[int, Balancer]]:
    found = []
    for count in (5, 100, 1000):
        balancer = Balancer()
        balancer.update([Instance(f"10.0.{n >> 8}.{n & 255}", 80) for n in range(count)])
        for _ in range(CALLS):
            _pick(balancer)
        found.append((count, balancer))
    return found


def _pick(balancer: Balancer) -> float:
    begun = time.perf_counter()
    pick = balancer.pick()
    assert pick is not None
    with pick:
        pick.succeed()
    return time.perf_counter() - begun


async def _calls() -> Sequence[Sequence[str]]:
    """Who is first alternates."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), 1, delay=0.0) as peer:
            sides = await _sides(peer)
            seconds: dict[str, list[float]] = {name: [] for name in sides}
            for number in range(CALLS):
                for name in sides if number % 2 else reversed(sides):
                    begun = time.perf_counter()
                    await sides[name]()
                    seconds[name].append(time.perf_counter() - begun)
            return [(name, *_micro(taken)) for name, taken in seconds.items()]


async def _sides(peer: Peer) -> dict[str, Callable[[], Awaitable[object]]]:
    breakers, body = Breakers(), b'{"query":"{__typename}"}'
    instance = peer.processes[0].instance
    alone = httpx.AsyncClient(base_url=f"http://{instance.address}", trust_env=False)
    settings = PeerSettings(url=f"static://{instance.address}")
    ours, unguarded = (
        PeerClient("posts", settings, guard=guard, look_again=lambda: None)
        for guard in (lambda: breakers.get("posts"), nullcontext)
    )
    for client in (ours, unguarded):
        client.update([instance])
    return {
        "httpx alone": lambda: alone.post("/graphql", content=body, headers={"content-type": "application/json"}),
        "ours, without the breaker": lambda: unguarded.post(body),
        "ours": lambda: ours.post(body),
    }


def _times(seconds: Sequence[float]) -> Sequence[str]:
    return [milliseconds(percentile(seconds, share)) for share in (0.5, 0.99)]


def _micro(seconds: Sequence[float]) -> Sequence[str]:
    return [f"{percentile(seconds, share) * 1e6:.1f} µs" for share in (0.5, 0.99)]
