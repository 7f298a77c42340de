"""What stands, and when it is looked again, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from random import Random

import pytest

from domain.peers.instance import Instance
from domain.peers.registry import Registry
from domain.peers.resolver import Resolution, ResolutionFailed
from tests.fixtures.virtual_time import run

A, B, C = (Instance(f"10.0.0.{n}", 80) for n in (1, 2, 3))
TTL = timedelta(seconds=5)


class Script:
    """A resolver that gives its answers in turn, the last one for ever; and when it was asked, in seconds."""

    def __init__(self, *answers: Iterable[Instance] | str, ttl: timedelta | None = TTL, takes: float = 0) -> None:
        self.answers = list(answers)
        self.ttl = ttl
        self.takes = takes
        self.asked: list[float] = []

    async def resolve(self) -> Resolution:
        self.asked.append(_now())
        await asyncio.sleep(self.takes)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            raise ResolutionFailed("posts", answer)
        return Resolution(frozenset(answer), self.ttl)


class Watched:
    """A registry, and the sets it told."""

    def __init__(self, script: Script) -> None:
        self.told: list[tuple[float, set[Instance]]] = []
        self.registry = Registry("posts", script, on_change=self._on_change, random=Random(1), monotonic=_now)

    def _on_change(self, instances: frozenset[Instance]) -> None:
        self.told.append((_now(), set(instances)))

    @property
    def sets(self) -> list[set[Instance]]:
        return [instances for _, instances in self.told]


def _now() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def _running(script: Script) -> AsyncIterator[Watched]:
    watched = Watched(script)
    task = asyncio.create_task(watched.registry.run())
    await watched.registry.first_look()
    yield watched
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_each_set_that_differs_is_told_once() -> None:
    async def main() -> None:
        async with _running(Script([A], [A], [A, B], [B], [B])) as watched:
            await asyncio.sleep(60)
            assert watched.sets == [{A}, {A, B}, {B}]
            assert watched.registry.instances == {B}

    run(main())


def test_another_weight_is_another_set() -> None:
    async def main() -> None:
        heavier = Instance(A.host, A.port, weight=9)
        async with _running(Script([A], [heavier])) as watched:
            await asyncio.sleep(10)
            assert watched.sets == [{A}, {heavier}]

    run(main())


def test_a_change_is_told_within_a_ttl() -> None:
    async def main() -> None:
        script = Script([A])
        async with _running(script) as watched:
            for _ in range(50):
                await asyncio.sleep(7.3)
                script.answers = [[B] if watched.registry.instances == {A} else [A]]
                changed_at = _now()
                await asyncio.sleep(TTL.total_seconds())
                assert len(watched.told) > 1
                assert changed_at <= watched.told[-1][0] <= changed_at + TTL.total_seconds()

    run(main())


def test_ttl_0_is_no_busy_loop() -> None:
    async def main() -> None:
        script = Script([A], ttl=timedelta(0))
        async with _running(script):
            await asyncio.sleep(100)
            assert 100 <= len(script.asked) <= 126

    run(main())


def test_without_a_ttl_it_is_looked_once() -> None:
    async def main() -> None:
        script = Script([A], ttl=None)
        async with _running(script) as watched:
            await asyncio.sleep(10_000)
            assert len(script.asked) == 1
            watched.registry.look_again()
            await asyncio.sleep(1)
            assert len(script.asked) == 2

    run(main())


def test_what_was_known_stands_while_dns_fails_and_its_age_grows() -> None:
    async def main() -> None:
        async with _running(Script([A], "SERVFAIL")) as watched:
            await asyncio.sleep(1)
            assert not watched.registry.status().stale
            await asyncio.sleep(999)
            status = watched.registry.status()
            assert (status.instances, status.stale, status.error) == (frozenset({A}), True, "SERVFAIL")
            assert status.age == timedelta(seconds=1000)
            assert watched.sets == [{A}]

    run(main())


def test_after_failures_looks_become_rarer_and_an_answer_ends_that() -> None:
    async def main() -> None:
        script = Script([A], "x", "x", "x", "x", "x", [B], "x", [B])
        async with _running(script) as watched:
            await asyncio.sleep(60)
            pauses = [b - a for a, b in zip(script.asked, script.asked[1:], strict=False)][1:8]
            for pause, most in zip(pauses, (1, 2, 4, 8, 10, 5, 1), strict=True):
                assert 0.8 * most <= pause <= most
            status = watched.registry.status()
            assert (status.instances, status.stale, status.error) == (frozenset({B}), False, None)

    run(main())


def test_before_any_answer_nothing_is_stale_and_there_is_no_age() -> None:
    async def main() -> None:
        async with _running(Script("down")) as watched:
            status = watched.registry.status()
            assert (status.instances, status.age, status.error, status.stale) == (frozenset(), None, "down", False)
            assert watched.told == []

    run(main())


def test_an_emptied_answer_empties_the_set_after_a_second_look() -> None:
    async def main() -> None:
        script = Script([A], [])
        async with _running(script) as watched:
            await asyncio.sleep(20)
            assert watched.sets == [{A}, set()]
            assert watched.told[-1][0] == script.asked[2] == script.asked[1] + 1

    run(main())


@pytest.mark.parametrize("second", [[A], [B], "SERVFAIL"])
def test_an_empty_answer_that_is_not_confirmed_empties_nothing(second: list[Instance] | str) -> None:
    async def main() -> None:
        async with _running(Script([A], [], second, [], second, [C])) as watched:
            await asyncio.sleep(60)
            assert set() not in watched.sets
            assert watched.registry.instances == {C}

    run(main())


def test_an_empty_set_is_not_confirmed_again() -> None:
    async def main() -> None:
        script = Script([], ttl=timedelta(seconds=10))
        async with _running(script) as watched:
            await asyncio.sleep(100)
            assert 10 <= len(script.asked) <= 13
            assert watched.told == []
            assert watched.registry.status().age is not None

    run(main())


def test_after_a_failed_connection_it_is_looked_at_once() -> None:
    async def main() -> None:
        script = Script([A], [B], ttl=timedelta(seconds=60))
        async with _running(script) as watched:
            await asyncio.sleep(10)
            watched.registry.look_again()
            await asyncio.sleep(0.001)
            assert watched.told[-1] == (10.0, {B})

    run(main())


def test_many_failed_connections_ask_once_a_second() -> None:
    async def main() -> None:
        script = Script([A], ttl=timedelta(seconds=60), takes=0.5)
        async with _running(script) as watched:
            for _ in range(1000):
                watched.registry.look_again()
                await asyncio.sleep(0.01)
            pauses = [b - a for a, b in zip(script.asked, script.asked[1:], strict=False)]
            assert len(pauses) >= 6
            assert min(pauses) > 1.499  # a second after the end of the last look, which took half a second

    run(main())


def test_a_connection_that_fails_during_a_look_leads_to_another() -> None:
    async def main() -> None:
        script = Script([A], ttl=timedelta(seconds=60), takes=2)
        async with _running(script) as watched:
            await asyncio.sleep(10)
            watched.registry.look_again()
            await asyncio.sleep(1)
            watched.registry.look_again()
            await asyncio.sleep(10)
            assert script.asked == [0, 12, 15]

    run(main())


def test_a_look_that_is_asked_for_never_comes_later_than_the_next_one() -> None:
    async def main() -> None:
        script = Script([A], ttl=timedelta(0))
        async with _running(script) as watched:
            for _ in range(200):
                watched.registry.look_again()
                await asyncio.sleep(0.1)
            assert len(script.asked) >= 20

    run(main())


def test_remarks_are_shown() -> None:
    async def main() -> None:
        class Remarking:
            async def resolve(self) -> Resolution:
                return Resolution(frozenset({A}), TTL, ("b has port 0",))

        registry = Registry("posts", Remarking(), on_change=lambda _: None, random=Random(1), monotonic=_now)
        task = asyncio.create_task(registry.run())
        await registry.first_look()
        assert registry.status().remarks == ("b has port 0",)
        task.cancel()

    run(main())


def test_it_ends_when_cancelled_while_looking() -> None:
    async def main() -> None:
        task = asyncio.create_task(Watched(Script([A], takes=100)).registry.run())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
