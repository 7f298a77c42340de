"""What an outage of a whole peer costs: how soon calls are refused, what the dead peer still gets, when all is well."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import milliseconds, percentile, table
from domain.errors import PeerUnavailable
from domain.guards import POLICY
from domain.peers.breaker.breakers import Breakers
from tests.fixtures.peer_processes import Peer, running
from tests.fixtures.peer_server import Mode

INSTANCES, RATE = 3, 100.0
BEFORE, DOWN, AFTER = 3.0, 20.0, 45.0
BODY = b'{"query":"{__typename}"}'
Change = Callable[[Peer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Call:
    """`at` is when it began; `reason` is empty if it was answered. `refused`: by the circuit, nothing was sent."""

    at: float
    seconds: float
    reason: str
    refused: bool


def measure() -> None:
    """Print a table of outages."""
    columns = ("3 processes, 20 s", "opens after", "p50 then", "p99 then", "sent while open", "answers again after")
    print(table(columns, asyncio.run(_outages())))


async def _outages() -> Sequence[Sequence[str]]:
    return [
        await _outage("killed", _kill, _start),
        await _outage("hung", _hang, _answer),
        await _outage("answering 500", _fail, _answer),
    ]


async def _outage(name: str, begin: Change, end: Change) -> Sequence[str]:
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), INSTANCES, timeout=1.0) as peer:
            peer.breakers = Breakers(policy=POLICY)  # as the API has it
            calls: list[_Call] = []
            flow = asyncio.create_task(_flow(peer, calls))
            await asyncio.sleep(BEFORE)
            down = time.perf_counter()
            await begin(peer)
            await _opened(calls)
            sent = _sent(peer)
            await asyncio.sleep(DOWN)
            sent = _sent(peer) - sent
            await end(peer)
            up = time.perf_counter()
            await _answering(calls, up)
            flow.cancel()
            with suppress(asyncio.CancelledError):
                await flow
    opened = next(call.at for call in calls if call.refused)
    refused = [call.seconds for call in calls if call.refused and call.at < up]
    again = next(call.at for call in calls if call.at > up and not call.reason)
    times = (milliseconds(percentile(refused, share)) for share in (0.5, 0.99))
    return name, f"{opened - down:.1f} s", *times, f"{sent} in {DOWN:.0f} s", f"{again - up:.1f} s"


async def _flow(peer: Peer, calls: list[_Call]) -> None:
    running_calls: set[asyncio.Task[None]] = set()
    try:
        while True:
            call = asyncio.create_task(_ask(peer, calls))
            running_calls.add(call)
            call.add_done_callback(running_calls.discard)
            await asyncio.sleep(1 / RATE)
    finally:
        await asyncio.gather(*running_calls)


async def _ask(peer: Peer, calls: list[_Call]) -> None:
    at, reason, refused = time.perf_counter(), "", False
    try:
        await peer.client.post(BODY)
    except PeerUnavailable as exc:
        reason, refused = exc.reason, exc.reason == "its circuit is open"
    calls.append(_Call(at, time.perf_counter() - at, reason, refused))


def _sent(peer: Peer) -> int:
    """Requests that have ended, and those that are under way."""
    status = peer.client.status()
    return sum(status.outcomes.values()) + sum(instance.in_flight for instance in status.instances)


async def _opened(calls: Sequence[_Call]) -> None:
    async with asyncio.timeout(DOWN):
        while not any(call.refused for call in calls[-50:]):  # noqa: ASYNC110 - what is waited for is a measurement
            await asyncio.sleep(0.02)


async def _answering(calls: Sequence[_Call], up: float) -> None:
    async with asyncio.timeout(AFTER):
        while not any(call.at > up and not call.reason for call in calls[-50:]):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.02)


async def _kill(peer: Peer) -> None:
    await asyncio.gather(*(process.kill() for process in peer.processes))


async def _start(peer: Peer) -> None:
    await asyncio.gather(*(process.start() for process in peer.processes))


async def _hang(peer: Peer) -> None:
    await asyncio.gather(*(process.behave(Mode.HANGING) for process in peer.processes))


async def _fail(peer: Peer) -> None:
    await asyncio.gather(*(process.behave(Mode.ERROR) for process in peer.processes))


async def _answer(peer: Peer) -> None:
    await asyncio.gather(*(process.behave(Mode.FINE) for process in peer.processes))
