"""Who seems to differ while writes go on: what catches up is not reported, what stands still is."""

from collections.abc import Mapping, Sequence

from domain.search.index import Held
from indexer.verify.drift import Drift, Kind
from indexer.verify.suspects import LOOK_SECONDS, Suspects
from tests.unit.indexer.verify.side_by_side import FakeTime, SideBySide, some_users

PATIENCE = 15.0


class Watched:
    """`system`'s suspects, and what became certain."""

    def __init__(self, system: SideBySide, *, most: int = 10_000) -> None:
        self.time = FakeTime()
        self.certain: list[Drift] = []
        self.looked_up: list[int] = []
        self._system = system
        self.suspects = Suspects(
            system.store,
            self._look_up,
            self._confirm,
            patience=PATIENCE,
            most=most,
            monotonic=self.time,
            sleep=self.time.sleep,
        )

    async def _look_up(self, ids: Sequence[str]) -> Mapping[str, Held]:
        self.looked_up.append(len(ids))
        return await self._system.catalog.look_up(self._system.index, ids)

    async def _confirm(self, drifts: Sequence[Drift]) -> None:
        self.certain += drifts

    async def outcome(self, *suspicions: Drift) -> list[Drift]:
        await self.suspects.add(suspicions)
        await self.suspects.settle()
        return self.certain

    @property
    def waited(self) -> float:
        return self.time.seconds - 1_000.0


async def test_what_an_old_view_has_not_seen_is_cleared_at_the_first_look() -> None:
    system = await SideBySide.of(some_users(1))
    ((id, version),) = await system.oracle.scan(None, 1)
    watched = Watched(system)
    assert await watched.outcome(Drift(id, Kind.MISSING, version, None)) == []
    assert watched.waited == 0


async def test_what_is_under_way_is_waited_for_no_longer_than_it_takes() -> None:
    system = await SideBySide.of(some_users(2))
    (late, _), (gone, _) = await system.oracle.scan(None, 2)
    user = await system.update(late)
    await system.delete(gone)
    watched = Watched(system)

    async def deliver() -> None:
        if watched.waited >= 5:
            await system.deliver(late)
            await system.deliver(gone)

    watched.time.during = deliver
    assert await watched.outcome(Drift(late, Kind.STALE, user.version, 1), Drift(gone, Kind.ORPHANED, 2, 1)) == []
    assert 5 <= watched.waited <= 5 + LOOK_SECONDS


async def test_a_pipeline_that_stands_still_is_reported_when_the_patience_is_over() -> None:
    """Even if the user changes all the time."""
    system = await SideBySide.of(some_users(1))
    ((id, _),) = await system.oracle.scan(None, 1)
    user = await system.update(id)
    watched = Watched(system)

    async def change() -> None:
        await system.update(id)

    watched.time.during = change
    (drift,) = await watched.outcome(Drift(id, Kind.STALE, user.version, 1))
    assert (drift.kind, drift.held) == (Kind.STALE, 1)
    assert drift.stored == (await system.store.get([id]))[id].version
    assert PATIENCE <= watched.waited <= PATIENCE + LOOK_SECONDS


async def test_a_user_who_changes_all_the_time_is_not_reported_for_being_a_little_behind() -> None:
    system = await SideBySide.of(some_users(1))
    ((id, _),) = await system.oracle.scan(None, 1)
    user = await system.update(id)
    watched = Watched(system)

    async def change() -> None:
        await system.deliver(id)
        await system.update(id)

    watched.time.during = change
    assert await watched.outcome(Drift(id, Kind.STALE, user.version, 1)) == []
    assert watched.waited == LOOK_SECONDS


async def test_a_deletion_late_in_the_wait_has_a_patience_of_its_own() -> None:
    system = await SideBySide.of(some_users(1))
    ((id, _),) = await system.oracle.scan(None, 1)
    user = await system.update(id)
    watched = Watched(system)

    async def delete() -> None:
        if watched.waited == PATIENCE - LOOK_SECONDS:
            await system.delete(id)
        if watched.waited >= PATIENCE + 3:
            await system.deliver(id)

    watched.time.during = delete
    assert await watched.outcome(Drift(id, Kind.STALE, user.version, 1)) == []
    assert watched.waited >= PATIENCE + 3


async def test_what_no_delivery_puts_right_is_certain_after_a_second_look() -> None:
    system = await SideBySide.of(some_users(2))
    ids = [id for id, _ in await system.oracle.scan(None, 2)]
    planted = [await system.plant(Kind.DIFFERENT, ids[0]), await system.plant(Kind.AHEAD, ids[1])]
    watched = Watched(system)
    assert await watched.outcome(*planted) == planted
    assert watched.waited == 1.0


async def test_memory_is_bounded_and_a_lost_index_is_not_waited_for_again_and_again() -> None:
    """Ten of at most ten are waited for in vain: the next ninety are looked at once."""
    system = await SideBySide.of(some_users(100))
    planted = [await system.plant(Kind.MISSING, user.id) for user in await system.store.scan(None, 100)]
    watched = Watched(system, most=10)
    for start in range(0, 100, 5):
        await watched.suspects.add(planted[start : start + 5])
    await watched.suspects.settle()
    assert sorted(drift.id for drift in watched.certain) == [drift.id for drift in planted]
    assert watched.suspects.hurried
    assert max(watched.looked_up) <= 15
    assert PATIENCE <= watched.waited <= PATIENCE + 20 * LOOK_SECONDS


async def test_a_pipeline_that_catches_up_is_waited_for_however_many_are_late() -> None:
    system = await SideBySide.of(some_users(100))
    planted = [await system.plant(Kind.MISSING, user.id) for user in await system.store.scan(None, 100)]
    watched = Watched(system, most=10)
    rest = [drift.id for drift in planted]

    async def deliver() -> None:
        for id in rest[:2]:
            await system.deliver(rest.pop(0) if rest else id)

    watched.time.during = deliver
    for start in range(0, 100, 5):
        await watched.suspects.add(planted[start : start + 5])
    await watched.suspects.settle()
    assert watched.certain == []
    assert watched.waited > PATIENCE
