"""What a guarded call costs beside purgatory's own guard, and what a peer that is down is spared."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from benchmarks.measure import percentile, table
from domain.peers.breaker.breaker import Mode
from domain.peers.breaker.breakers import Breakers
from domain.peers.breaker.errors import CircuitOpen
from domain.peers.breaker.policy import BreakerPolicy

ROUNDS, CALLS = 20, 2_000
NAME = "posts"
NEVER = 10**9
"""So many failures that neither opens by itself."""

GetGuard = Callable[[], Awaitable[AbstractAsyncContextManager[object]]]


class Down(Exception):
    """What a failing call raises."""


@dataclass(slots=True)
class Contestant:
    """Whose guard, how one is had, and the seconds of each call."""

    name: str
    get: GetGuard
    seconds: list[float] = field(default_factory=list)


async def measure() -> None:
    """Print a table a question."""
    rows = [
        ("a call that succeeds", *await _race(await _closed(), fails=False)),
        ("a call that fails", *await _race(await _closed(), fails=True)),
        ("a call that is refused", *await _race(await _opened(), fails=False)),
    ]
    print(table(("one call, nothing guarded", "ours", "ours, p99", "purgatory", "purgatory, p99"), rows))
    print(table(("calls in the window", "ours"), [await _with_traffic(calls) for calls in (0, 1_000, 100_000)]))
    header = ("down for, 100 calls/s", "failed before it opened", "probes while down", "up again, closed after")
    print(table(header, [await _outage(seconds) for seconds in (10, 60, 600)]))


async def _closed() -> Sequence[Contestant]:
    breakers = Breakers(policy=BreakerPolicy(minimum_calls=NEVER))
    factory = AsyncCircuitBreakerFactory(default_threshold=NEVER)
    return _contestants(breakers, factory)


async def _opened() -> Sequence[Contestant]:
    breakers, factory = Breakers(), AsyncCircuitBreakerFactory(default_threshold=1, default_ttl=3600)
    await breakers.force(NAME, Mode.OPEN)
    with suppress(Down):
        async with await factory.get_breaker(NAME):
            raise Down
    return _contestants(breakers, factory)


def _contestants(breakers: Breakers, factory: AsyncCircuitBreakerFactory) -> Sequence[Contestant]:
    async def ours() -> AbstractAsyncContextManager[object]:
        return breakers.get(NAME)

    async def theirs() -> AbstractAsyncContextManager[object]:
        return await factory.get_breaker(NAME)

    return Contestant("ours", ours), Contestant("purgatory", theirs)


async def _race(contestants: Sequence[Contestant], *, fails: bool) -> Sequence[str]:
    """Microseconds a call, median and p99 of each; who is first alternates."""
    for number in range(ROUNDS):
        for contestant in contestants if number % 2 else reversed(contestants):
            for _ in range(CALLS):
                contestant.seconds.append(await _call(contestant.get, fails=fails))
    return [_micro(contestant.seconds, share) for contestant in contestants for share in (0.5, 0.99)]


async def _call(get: GetGuard, *, fails: bool) -> float:
    begun = time.perf_counter()
    with suppress(Down, CircuitOpen, OpenedState):
        async with await get():
            if fails:
                raise Down
    return time.perf_counter() - begun


async def _with_traffic(calls: int) -> Sequence[str]:
    breakers = Breakers(policy=BreakerPolicy(minimum_calls=NEVER, window=timedelta(hours=1)))
    contestant, _ = _contestants(breakers, AsyncCircuitBreakerFactory())
    for _ in range(calls):
        await _call(contestant.get, fails=False)
    seconds = [await _call(contestant.get, fails=False) for _ in range(CALLS)]
    return f"{calls:,}", _micro(seconds, 0.5)


async def _outage(down_for: float) -> Sequence[str]:
    """A minute of health, the outage, and health until the circuit is closed, on a clock that is only turned."""
    now, seen = 0.0, Counter[str]()
    breakers = Breakers([NAME], monotonic=lambda: now, random=Random(1))
    while now < 60 + down_for or breakers.status()[0].state != "closed":
        state = breakers.status()[0].state
        down = 60 <= now < 60 + down_for
        if not await _asked(breakers, fails=down):
            seen["refused"] += 1
        elif down:
            seen["failed" if state == "closed" else "probe"] += 1
        now += 0.01
    return f"{down_for:g} s", str(seen["failed"]), str(seen["probe"]), f"{now - 60 - down_for:.1f} s"


async def _asked(breakers: Breakers, *, fails: bool) -> bool:
    """Whether the call reached the peer."""
    reached = False
    with suppress(Down, CircuitOpen):
        async with breakers.get(NAME):
            reached = True
            if fails:
                raise Down
    return reached


def _micro(seconds: Sequence[float], share: float) -> str:
    return f"{percentile(seconds, share) * 1e6:.1f} µs"
