"""Repairs go by the index's own writer, or by the pipeline that holds it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from domain.backends import StoreBackend
from domain.errors import SearchUnavailable
from domain.search.document import IndexEntry, search_document
from domain.search.index import IndexWriter, Outcome, Result
from domain.users.service import UserService
from indexer import requests
from indexer.repair import ANSWER_SECONDS, ATTEMPTS, Repair
from indexer.verify.drift import Kind
from indexer.verify.verifier import verify
from tests.contract.search.oracle import Oracle
from tests.contract.search.oracle_catalog import OracleCatalog
from tests.contract.users.memory import MemoryChangeFeed, MemoryLedger
from tests.unit.indexer.verify.side_by_side import FakeTime, SideBySide, some_users

PIPELINE = "sqlite-to-tantivy"


def backend(system: SideBySide) -> StoreBackend:
    store = system.store
    return StoreBackend(
        store, MemoryChangeFeed(system.database), MemoryLedger(system.database), UserService(store, phone_region="US")
    )


@dataclass
class Busy(Oracle):
    """Too busy for the first `times` entries."""

    times: int
    entries: dict[str, IndexEntry] = field(default_factory=dict)
    _scores: dict[object, object] = field(default_factory=dict)  # type: ignore[assignment]  # the oracle's own

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        results = []
        for entry in entries:
            self.times -= 1
            results.append(
                Result(Outcome.BUSY) if self.times >= 0 else (await super().write([entry], repair=repair))[0]
            )
        return results


class LockedCatalog(OracleCatalog):
    """Another process writes."""

    @asynccontextmanager
    async def writer(self, name: str) -> AsyncIterator[IndexWriter]:
        raise SearchUnavailable("locked")
        yield self._fitting(name)  # a generator, never reached


async def test_all_but_what_is_ahead_is_repaired() -> None:
    system = await SideBySide.of(some_users(12))
    users = await system.store.scan(None, 12)
    await system.delete(users[10].id)
    for kind, user in zip([*Kind, *Kind], users, strict=False):
        await system.plant(kind, user.id)
    repair = Repair(backend(system), system.catalog, system.index)
    report = await verify(system.store, system.catalog, system.index, patience=0, repair=repair)
    assert report.repaired
    assert report.found == {kind: 3 if kind is Kind.ORPHANED else 2 for kind in Kind}
    assert report.remaining == {Kind.AHEAD: 2}
    report = await verify(system.store, system.catalog, system.index, patience=0)
    assert report.found == {Kind.AHEAD: 2}


async def test_what_a_repair_cannot_put_right_is_reported() -> None:
    """The engine knows a version of the user that the document does not show, as after an edit by hand."""
    system = await SideBySide.of(some_users(1))
    (user,) = await system.store.scan(None, 1)
    await system.update(user.id)
    system.oracle.entries[user.id] = IndexEntry(user.id, 9, search_document(user))
    repair = Repair(backend(system), system.catalog, system.index)
    report = await verify(system.store, system.catalog, system.index, patience=0, repair=repair)
    assert report.found == report.remaining == {Kind.STALE: 1}


@pytest.mark.parametrize(("times", "is_repaired"), [(3, True), (2 * ATTEMPTS, False)])
async def test_a_busy_engine_is_asked_again_and_not_for_ever(times: int, is_repaired: bool) -> None:
    system = await SideBySide.of(some_users(2))
    ids = [user.id for user in await system.store.scan(None, 2)]
    time = FakeTime()
    system.catalog.oracles[system.index] = Busy(times)
    repair = Repair(backend(system), system.catalog, system.index, sleep=time.sleep)
    if is_repaired:
        await repair(dict.fromkeys(ids, 0))
        assert await system.oracle.scan(None, 9) == [(id, 1) for id in ids]
    else:
        with pytest.raises(SearchUnavailable, match="too busy for a repair"):
            await repair(dict.fromkeys(ids, 0))
    assert time.seconds > 1_000


async def test_where_the_index_is_locked_its_pipeline_is_asked() -> None:
    system = await SideBySide.of(some_users(3))
    ids = [user.id for user in await system.store.scan(None, 3)]
    store = backend(system)
    asked: list[Mapping[str, int]] = []

    async def answer() -> None:
        for request in await requests.pending(store.ledger, PIPELINE):
            asked.append(request.users)
            await store.ledger.remove(request.key)

    repair = Repair(store, LockedCatalog(), system.index, PIPELINE, sleep=FakeTime(during=answer).sleep)
    await repair({ids[0]: 0, ids[2]: 4})
    assert asked == [{ids[0]: 0, ids[2]: 4}]


async def test_a_pipeline_that_does_not_answer_is_not_waited_for_without_end() -> None:
    system = await SideBySide.of([])
    store, time = backend(system), FakeTime()
    repair = Repair(store, LockedCatalog(), system.index, PIPELINE, sleep=time.sleep)
    with pytest.raises(SearchUnavailable, match="did not answer within 60 s"):
        await repair({"a": 1})
    assert time.seconds == 1_000 + ANSWER_SECONDS
    assert await requests.pending(store.ledger, PIPELINE) == []  # nobody does it later, unasked


async def test_without_a_pipeline_to_ask_an_engine_that_does_not_answer_is_an_error() -> None:
    system = await SideBySide.of([])
    with pytest.raises(SearchUnavailable, match="locked"):
        await asyncio.wait_for(Repair(backend(system), LockedCatalog(), system.index)({"a": 1}), 5)


async def test_a_deleted_user_of_whom_the_index_knows_a_later_version_is_deleted_there_too() -> None:
    """As after the store was restored from a backup: personal data of the deleted must not stay."""
    system = await SideBySide.of(some_users(1))
    (user,) = await system.store.scan(None, 1)
    await system.plant(Kind.AHEAD, user.id)
    await system.delete(user.id)
    repair = Repair(backend(system), system.catalog, system.index)
    report = await verify(system.store, system.catalog, system.index, patience=0, repair=repair)
    assert (report.found, report.drift) == ({Kind.ORPHANED: 1}, 0)
