"""Which index is compared, and what happens when another one takes its place."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from domain.errors import IndexMismatch, SearchUnavailable
from domain.search.index import IndexView
from indexer.verify.drift import Kind
from indexer.verify.serving import MOST_SWAPS, verify_serving
from indexer.verify.verifier import Repair
from tests.contract.search.oracle import Oracle
from tests.contract.search.oracle_catalog import OracleCatalog
from tests.unit.indexer.verify.side_by_side import SideBySide, some_users


class Swapping(OracleCatalog):
    """So many `times`, another index takes the place of the serving one as soon as that is viewed."""

    def __init__(self, times: int, *, dropping: bool = False) -> None:
        super().__init__()
        self._times = times
        self._dropping = dropping
        self.viewed: list[str] = []

    @asynccontextmanager
    async def view(self, name: str) -> AsyncIterator[IndexView]:
        self.viewed.append(name)
        if self._times:
            self._times -= 1
            new = await self.create()
            self.oracles[new].entries = dict(self.oracles[name].entries)
            await self.serve(new)
            self.oracles[name].entries.clear()  # nobody keeps it up to date
            if self._dropping:
                await self.drop(name)
        async with super().view(name) as view:
            yield view


async def swapping(times: int, *, dropping: bool = False) -> tuple[SideBySide, Swapping]:
    system = await SideBySide.of(some_users(3))
    catalog = Swapping(times, dropping=dropping)
    name = await catalog.create()
    catalog.oracles[name] = system.oracle
    await catalog.serve(name)
    return system, catalog


@pytest.mark.parametrize("dropping", [False, True])
async def test_the_index_that_has_come_to_serve_is_compared_instead(dropping: bool) -> None:
    system, catalog = await swapping(2, dropping=dropping)
    report = await verify_serving(system.store, catalog, patience=0)
    assert report.drift == 0
    assert (report.index, report.documents) == (catalog.serving, 3)
    assert len(catalog.viewed) == 3


async def test_not_for_ever() -> None:
    system, catalog = await swapping(99)
    with pytest.raises(SearchUnavailable, match="again and again"):
        await verify_serving(system.store, catalog, patience=0)
    assert len(catalog.viewed) == MOST_SWAPS


async def test_no_index_serves() -> None:
    system = await SideBySide.of([])
    with pytest.raises(SearchUnavailable, match=r"No index serves: start the indexer"):
        await verify_serving(system.store, OracleCatalog())


async def test_an_index_of_another_shape_is_not_compared() -> None:
    system = await SideBySide.of([])
    system.catalog.misfits.add(system.index)
    with pytest.raises(IndexMismatch, match="python -m indexer rebuild"):
        await verify_serving(system.store, system.catalog)


async def test_the_serving_one_is_repaired() -> None:
    system = await SideBySide.of(some_users(3))
    beside = await system.catalog.create()
    system.catalog.oracles[beside] = Oracle()
    user = (await system.store.scan(None, 1))[0]
    await system.plant(Kind.MISSING, user.id)
    asked: list[str] = []

    def repair_of(index: str) -> Repair:
        async def repair(users: Mapping[str, int]) -> None:
            asked.append(index)
            await system.deliver(user.id)

        return repair

    report = await verify_serving(system.store, system.catalog, patience=0, repair_of=repair_of)
    assert asked == [system.index]
    assert (report.found, report.drift) == ({Kind.MISSING: 1}, 0)
