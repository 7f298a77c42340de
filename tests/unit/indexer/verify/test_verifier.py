"""Exactly the planted faults are found, wherever they are; and repaired, all but those of the future."""

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.verify.drift import Kind
from indexer.verify.report import EXAMPLES
from indexer.verify.verifier import verify
from tests.unit.indexer.verify.side_by_side import SideBySide, some_users

KINDS = st.sampled_from(list(Kind))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.none() | KINDS, max_size=12), st.integers(1, 5), st.randoms())
async def test_exactly_the_planted_faults_are_found(faults: list[Kind | None], page: int, random: object) -> None:
    system = await SideBySide.of(some_users(len(faults)))
    users = await system.store.scan(None, 1_000)
    random.shuffle(faults)  # type: ignore[attr-defined]  # Hypothesis' own
    planted = [await system.plant(kind, user.id) for kind, user in zip(faults, users, strict=True) if kind]
    report = await verify(system.store, system.catalog, system.index, patience=0, page=page)
    assert sorted(report.examples, key=lambda drift: drift.id) == planted
    assert report.drift == len(planted)
    assert report.found == report.remaining == {kind: faults.count(kind) for kind in Kind if kind in faults}
    assert report.users == len(await system.store.scan(None, 1_000))
    assert report.documents == len(await system.oracle.scan(None, 1_000))


async def test_counts_are_complete_where_examples_are_not() -> None:
    system = await SideBySide.of(some_users(40))
    users = await system.store.scan(None, 40)
    for user in users:
        await system.plant(Kind.MISSING if user.id < users[20].id else Kind.DIFFERENT, user.id)
    report = await verify(
        system.store, system.catalog, system.index, patience=0, dead_letter_ids={users[3].id, users[39].id}
    )
    assert report.found == {Kind.MISSING: 20, Kind.DIFFERENT: 20}
    assert [drift.id for drift in report.examples] == [user.id for user in (*users[:EXAMPLES], *users[20:30])]
    assert report.dead_letters == {users[3].id}  # of those shown
    assert (report.drift, report.explained, report.unexplained) == (40, 2, 38)


async def test_progress_is_told_in_users() -> None:
    system = await SideBySide.of(some_users(5))
    told: list[tuple[int, int]] = []
    await verify(
        system.store, system.catalog, system.index, page=2, progress=lambda done, rows: told.append((done, rows))
    )
    assert told == [(2, 2), (4, 4), (5, 5)]
