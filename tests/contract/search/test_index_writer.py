"""The contract of an index writer: a user's newest version wins, in whatever order its versions come."""

import asyncio
from dataclasses import replace

from domain.search.index import Outcome
from domain.search.query import SearchRequest, plan
from domain.users.model import Status, User
from tests.contract.search.conftest import Engine, entry
from tests.contract.users.users import a_user


def _next(user: User, version: int, **changes: str) -> User:
    return replace(user, version=version, **changes)  # type: ignore[arg-type]


def _deleted(user: User, version: int) -> User:
    return replace(a_user(id=user.id), version=version, status=Status.DELETED, username=None)


async def _outcomes(engine: Engine, *users: User, repair: bool = False) -> list[Outcome]:
    results = await engine.writer.write([entry(user) for user in users], repair=repair)
    return [result.outcome for result in results]


async def _shown(engine: Engine, query: str) -> list[str]:
    """What `query` finds once it finds anything: a write of a version that is there already is no event to wait for."""
    for _ in range(1_000):
        if found := await _found(engine, query):
            return found
        await asyncio.sleep(0.02)
    return []


async def _found(engine: Engine, query: str) -> list[str]:
    return [hit.id for hit in (await engine.index.search(SearchRequest(plan(query), 20))).hits]


async def test_a_newer_version_replaces_the_whole_document(engine: Engine) -> None:
    user = a_user(given_name="Before", family_name="Gone")
    await engine.show([entry(user)])
    await engine.show([entry(_next(replace(user, family_name=None), 2, given_name="After"))])
    assert await _found(engine, "after ") == [user.id]
    assert await _found(engine, "before ") == []
    assert await _found(engine, "gone ") == []


async def test_an_older_or_equal_version_is_stale(engine: Engine) -> None:
    user = a_user(given_name="Newest", version=5)
    assert await _outcomes(engine, user) == [Outcome.APPLIED]
    assert await _outcomes(engine, _next(user, 4, given_name="Older")) == [Outcome.STALE]
    assert await _outcomes(engine, _next(user, 5, given_name="Equal")) == [Outcome.STALE]
    assert await _outcomes(engine, _deleted(user, 4)) == [Outcome.STALE]
    assert await _outcomes(engine, _deleted(user, 5)) == [Outcome.STALE]
    assert list(await engine.writer.scan(None, 5)) == [(user.id, 5)]
    assert await _shown(engine, "newest ") == [user.id]


async def test_a_repair_writes_an_equal_version_again_but_no_older_one(engine: Engine) -> None:
    user = a_user(given_name="Damaged", version=5)
    await engine.show([entry(user)])
    assert await _outcomes(engine, _next(user, 4, given_name="Older"), repair=True) == [Outcome.STALE]
    assert await _outcomes(engine, _next(user, 5, given_name="Repaired"), repair=True) == [Outcome.APPLIED]
    assert await _shown(engine, "repaired ") == [user.id]


async def test_a_deletion_is_final_for_what_came_before_it(engine: Engine) -> None:
    user = a_user(given_name="Deleted", version=2)
    await engine.show([entry(user)])
    await engine.show([entry(_deleted(user, 4))])
    assert await _found(engine, "deleted ") == []
    assert await _outcomes(engine, _next(user, 3)) == [Outcome.STALE]
    assert await _outcomes(engine, _deleted(user, 4)) == [Outcome.STALE]
    assert list(await engine.writer.scan(None, 5)) == []


async def test_a_deletion_of_an_unknown_user_holds_back_its_older_versions(engine: Engine) -> None:
    user = a_user(given_name="Late", version=1)
    assert await _outcomes(engine, _deleted(user, 2)) == [Outcome.APPLIED]
    assert await _outcomes(engine, user) == [Outcome.STALE]


async def test_one_batch_has_one_result_each_in_order(engine: Engine) -> None:
    old, new, gone, unknown = a_user(version=3), a_user(version=3), a_user(version=3), a_user()
    await engine.show([entry(old), entry(new), entry(gone)])
    outcomes = await _outcomes(engine, _next(old, 2), _next(new, 4), _deleted(gone, 4), unknown)
    assert outcomes == [Outcome.STALE, Outcome.APPLIED, Outcome.APPLIED, Outcome.APPLIED]
    assert await _outcomes(engine) == []


async def test_a_scan_shows_all_that_was_written_in_id_order(engine: Engine) -> None:
    users = sorted((a_user(version=n + 1) for n in range(7)), key=lambda user: user.id)
    assert list(await engine.writer.scan(None, 3)) == []
    await engine.writer.write([entry(user) for user in reversed(users)])
    await engine.writer.write([entry(_deleted(users[4], 9))])
    expected = [(user.id, user.version) for user in users if user is not users[4]]
    assert list(await engine.writer.scan(None, 3)) == expected[:3]
    assert list(await engine.writer.scan(expected[2][0], 10)) == expected[3:]
    assert list(await engine.writer.scan(expected[-1][0], 10)) == []


async def test_preparing_again_keeps_what_is_there(engine: Engine) -> None:
    user = a_user(given_name="Kept")
    await engine.show([entry(user)])
    await engine.writer.prepare()
    assert await _found(engine, "kept") == [user.id]
