"""A rebuild over the oracles: level with the store, whatever happens meanwhile and wherever it is interrupted."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.search.document import IndexEntry
from domain.search.index import Outcome, Result
from indexer.errors import RebuildFailed, RebuildUnderWay
from indexer.rebuild import follower
from indexer.rebuild import rebuild as module
from indexer.rebuild.expiry import drop_expired
from indexer.rebuild.rebuild import Phase
from tests.contract.search.oracle import Oracle
from tests.unit.indexer.fakes import NOON, user_id
from tests.unit.indexer.rebuild.rig import Fuse, Interrupted, Rig


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)


async def test_a_new_index_level_with_the_store_takes_the_place_of_the_old_one() -> None:
    rig = await Rig.of(7)
    old = rig.catalog.serving
    rebuilt = await rig.run()
    assert rebuilt.index == rig.catalog.serving != old
    assert rebuilt.previous == (old,)
    assert await rig.levels(rebuilt.index)
    assert rebuilt.proof is not None
    assert (rebuilt.proof.users, rebuilt.proof.drift) == (7, 0)
    assert await rig.kept.read() == {old: NOON + timedelta(days=1)}


async def test_what_changes_meanwhile_is_in_the_new_index() -> None:
    rig = await Rig.of(0)
    users = [await rig.create() for _ in range(9)]
    phases: list[Phase] = []
    changes: list[asyncio.Task[Any]] = []

    def told(phase: Phase, done: int, total: int) -> None:
        """At the first sign of each phase somebody creates, changes and deletes a user."""
        if phase not in phases:
            phases.append(phase)
            work = (rig.create(), rig.change(users.pop(), display_name="changed"), rig.delete(users.pop(0)))
            changes.extend(asyncio.ensure_future(one) for one in work)

    rebuilt = await rig.run(told=told)
    await asyncio.gather(*changes)
    assert Phase.VERIFY in phases
    assert Phase.FOLLOW in phases
    assert await rig.levels(rebuilt.index)


async def test_interrupted_anywhere_it_goes_on_when_it_is_run_again() -> None:
    steps = 0
    for at in range(1, 1_000):
        rig = await Rig.of(5)
        old = rig.catalog.serving
        fuse = Fuse(at)
        try:
            await rig.run(fuse)
        except Interrupted:
            steps += 1
        else:
            break
        assert rig.catalog.serving == old or await rig.levels(str(rig.catalog.serving)), f"interrupted at call {at}"
        if not await rig.is_done():
            await rig.run()
        new = str(rig.catalog.serving)
        assert await rig.levels(new), f"interrupted at call {at}"
        assert set(rig.catalog.oracles) == {old, new}, f"an index is left over, interrupted at call {at}"
        assert new != old
        assert await rig.kept.read() == {old: NOON + timedelta(days=1)}
    assert steps > 20


async def test_one_that_goes_on_does_not_begin_again() -> None:
    rig = await Rig.of(40)
    whole, rest = Fuse(), Fuse()
    await rig.run(whole)
    with pytest.raises(Interrupted):
        await rig.run(Fuse(whole.calls // 2))
    await rig.run(rest)
    assert rest.calls < whole.calls * 0.9


async def test_an_index_that_cannot_be_proved_never_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = await Rig.of(5)
    old = rig.catalog.serving
    lost = (await rig.store.scan(None, 1))[0].id

    def lossy(oracle: Oracle, entry: IndexEntry, repair: bool) -> Result:
        return Result(Outcome.APPLIED) if entry.id == lost else write(oracle, entry, repair)

    write = Oracle._write
    monkeypatch.setattr(Oracle, "_write", lossy)
    with pytest.raises(RebuildFailed, match="differs from the store in 1 users"):
        await rig.run()
    assert rig.catalog.serving == old
    assert list(rig.catalog.oracles) == [old]
    monkeypatch.setattr(Oracle, "_write", write)
    assert await rig.levels((await rig.run()).index)


async def test_a_document_that_is_refused_is_a_dead_letter_and_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = await Rig.of(5)
    refused = (await rig.store.scan(None, 1))[0].id
    write = Oracle._write

    def refusing(oracle: Oracle, entry: IndexEntry, repair: bool) -> Result:
        return Result(Outcome.REJECTED, "a") if entry.id == refused else write(oracle, entry, repair)

    monkeypatch.setattr(Oracle, "_write", refusing)
    rebuilt = await rig.run()
    assert (rebuilt.dead_letters, rig.catalog.serving) == (1, rebuilt.index)
    (letter,) = await rig.letters.page(None, 10)
    assert (letter.id, letter.origin) == (refused, "p")


async def test_an_index_that_served_catches_up_before_it_serves_again() -> None:
    rig = await Rig.of(0)
    users = [await rig.create() for _ in range(5)]
    old = str(rig.catalog.serving)
    new = (await rig.run()).index
    await rig.change(users[0], display_name="changed")
    await rig.delete(users[1])
    await rig.create()
    rig.catalog.oracles[old].entries[user_id(1)] = IndexEntry(user_id(1), 3, {"id": user_id(1), "version": 3})
    back = await rig.run(onto=old)
    assert (back.index, rig.catalog.serving, back.previous) == (old, old, (new,))
    assert await rig.levels(old)
    assert set(await rig.kept.read()) == {new}


async def test_another_index_has_to_wait_for_the_rebuild_that_is_under_way() -> None:
    rig = await Rig.of(5)
    old = str(rig.catalog.serving)
    await rig.run()
    with pytest.raises(Interrupted):
        await rig.run(Fuse(12))
    assert len(rig.catalog.oracles) == 3
    with pytest.raises(RebuildUnderWay, match="Another rebuild into users-"):
        await rig.run(onto=old)


async def test_one_of_another_shape_is_given_up_for_a_new_one() -> None:
    rig = await Rig.of(5)
    with pytest.raises(Interrupted):
        await rig.run(Fuse(12))
    (begun,) = set(rig.catalog.oracles) - {rig.catalog.serving}
    rig.catalog.misfits.add(begun)
    spoilt = rig.catalog.oracles[begun]
    rebuilt = await rig.run()
    assert spoilt not in rig.catalog.oracles.values()
    assert await rig.levels(rebuilt.index)


async def test_kept_indexes_go_when_their_time_is_over() -> None:
    rig = await Rig.of(1)
    old = str(rig.catalog.serving)
    new = (await rig.run()).index
    assert await drop_expired(rig.kept, rig.catalog, NOON + timedelta(hours=23)) == []
    assert await drop_expired(rig.kept, rig.catalog, NOON + timedelta(hours=25), filled=old) == []
    assert await drop_expired(rig.kept, rig.catalog, NOON + timedelta(hours=25)) == [old]
    assert list(rig.catalog.oracles) == [new]
    assert await rig.kept.read() == {}


async def test_an_index_that_serves_again_is_not_dropped() -> None:
    rig = await Rig.of(1)
    await rig.kept.keep(str(rig.catalog.serving), NOON)
    assert await drop_expired(rig.kept, rig.catalog, NOON + timedelta(days=2)) == []
    assert await rig.kept.read() == {}
