"""The continuous mode: all is compared sooner or later, drift shows while it lasts, and outages end nothing."""

import httpx
import pytest

from domain.errors import SearchUnavailable
from indexer.verify.continuous import watch_app
from indexer.verify.drift import Kind
from indexer.verify.watch import STUCK_SECONDS, Watch
from tests.unit.indexer.verify.side_by_side import FakeTime, SideBySide, some_users


def watch(system: SideBySide, time: FakeTime, sample: int = 4, part: float = 0.0) -> Watch:
    return Watch(
        system.store,
        system.catalog,
        sample=sample,
        patience=2,
        monotonic=time,
        sleep=time.sleep,
        draw=lambda low, high: low + round((high - low) * part),
    )


async def test_every_fault_is_found_within_one_pass_and_gone_once_it_is_repaired() -> None:
    system = await SideBySide.of(some_users(20))
    users = await system.store.scan(None, 20)
    planted = {kind: await system.plant(kind, users[3 * place].id) for place, kind in enumerate(Kind)}
    time = FakeTime()
    watching = watch(system, time, part=1.0)
    rounds = 0
    while not watching.passes:
        await watching.round()
        rounds += 1
    assert rounds == 6  # four at a time, and one to see the end
    assert watching.drift == dict.fromkeys(Kind, 1)
    assert watching.verified == 19
    assert watching.pass_age_seconds == 0
    await system.deliver(planted[Kind.STALE].id)
    system.oracle.forget([planted[Kind.ORPHANED].id])
    await watching.round()
    assert watching.drift == {Kind.MISSING: 1, Kind.STALE: 0, Kind.ORPHANED: 0, Kind.DIFFERENT: 1, Kind.AHEAD: 1}


async def test_between_the_slices_ranges_are_drawn_from_everywhere() -> None:
    system = await SideBySide.of(some_users(20))
    users = await system.store.scan(None, 20)
    await system.plant(Kind.DIFFERENT, users[5].id)
    first, last = users[0], users[-1]
    assert first.id[:10] == last.id[:10]  # the same millisecond: what is drawn lies behind, or is the first id
    watching = watch(system, FakeTime(), part=0.0)
    await watching.round()
    assert watching.drift[Kind.DIFFERENT] == 0  # the ids 0 to 3, then 1 to 4
    watching = watch(system, FakeTime(), sample=5, part=0.0)
    await watching.round()
    assert watching.drift[Kind.DIFFERENT] == 1  # 0 to 4, then 1 to 5


async def test_an_empty_store_is_passed_at_once() -> None:
    watching = watch(await SideBySide.of([]), FakeTime())
    await watching.round()
    assert (watching.passes, watching.verified) == (1, 0)


class EndError(Exception):
    pass


async def test_an_outage_is_counted_and_waiting_is_moving() -> None:
    system = await SideBySide.of(some_users(1))
    time = FakeTime()
    watching = watch(system, time)
    system.catalog.serving, name = None, system.catalog.serving
    stuck: list[bool] = []

    async def later() -> None:
        stuck.append(watching.stuck)
        if time.seconds > 1_300:
            system.catalog.serving = name
        if watching.passes:
            raise EndError

    time.during = later
    with pytest.raises(EndError):
        await watching.run(every=100)
    assert watching.failures == 4
    assert not any(stuck)
    time.seconds += STUCK_SECONDS + 1
    assert watching.stuck


class Down:
    async def ping(self) -> None:
        raise SearchUnavailable("it is down")


async def answer(store: object, watching: Watch, path: str) -> httpx.Response:
    app = watch_app(store, watching)  # type: ignore[arg-type]  # only asked for a ping
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get(path)


async def test_what_the_process_serves() -> None:
    system = await SideBySide.of(some_users(3))
    user = (await system.store.scan(None, 1))[0]
    await system.plant(Kind.MISSING, user.id)
    time = FakeTime()
    watching = watch(system, time)
    assert "indexer_verify_pass_age_seconds" not in (await answer(system.store, watching, "/metrics")).text
    await watching.round()
    time.seconds += 7
    lines = (await answer(system.store, watching, "/metrics")).text.splitlines()
    assert 'indexer_drift{kind="missing"} 1.0' in lines
    assert 'indexer_drift{kind="ahead"} 0.0' in lines
    assert "indexer_verified_users_total 5.0" in lines
    assert "indexer_verify_passes_total 1.0" in lines
    assert "indexer_verify_failures_total 0.0" in lines
    assert "indexer_verify_pass_age_seconds 7.0" in lines
    assert (await answer(system.store, watching, "/livez")).json() == {"status": "ok"}
    assert (await answer(system.store, watching, "/readyz")).json() == {"store": "ok"}
    down = await answer(Down(), watching, "/readyz")
    assert (down.status_code, down.json()) == (503, {"store": "it is down"})
    time.seconds += STUCK_SECONDS
    assert (await answer(system.store, watching, "/livez")).status_code == 503
