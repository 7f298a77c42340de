"""A rebuild by the real processes in every mode: nobody who reads or writes meanwhile notices."""

import asyncio
import contextlib
import itertools
import json
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from domain.backends import Backends, open_backends, open_index_catalog
from domain.errors import SearchUnavailable, ServiceError
from domain.search.index import IndexInfo
from domain.search.query import SearchRequest, plan
from domain.settings import Settings
from domain.users.model import User
from tests.integration.indexer.command import Ended, command
from tests.integration.indexer.process import ROOT, Environment, indexer, settings_of, until

USERS = 400


@pytest.fixture(params=["embedded", "cluster"])
def environment(request: pytest.FixtureRequest) -> Environment:
    """Both stores and both engines: a rebuild follows the store's own feed, with Kafka and without.

    What was under way at the swap is over after twice SEARCH_TIMEOUT.
    """
    chosen: Environment = request.getfixturevalue(request.param)
    return {**chosen, "SEARCH_TIMEOUT": "3"}


@pytest.fixture
def settings(environment: Environment) -> Settings:
    return settings_of(environment)


@pytest.fixture
async def backends(settings: Settings) -> AsyncIterator[Backends]:
    async with open_backends(settings) as opened:
        yield opened


class Traffic:
    """Somebody who writes and somebody who searches, all the time; what failed for the one who searches."""

    def __init__(self, backends: Backends, users: Sequence[User]) -> None:
        self._backends = backends
        self._users = list(users)
        self.searches = 0
        self.writes = 0
        self.failures: list[str] = []

    @contextlib.asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._write()), group.create_task(self._search())]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    async def _write(self) -> None:
        users = self._backends.users
        for turn in itertools.count():
            await users.import_rows([{"username": f"during{turn}", "displayName": "Kept During"}], by="username")
            changed = self._users[turn % len(self._users)]
            await users.update(changed.id, {"displayName": f"Kept Turn {turn}"})
            if turn % 5 == 0 and len(self._users) > USERS // 2:
                await users.delete(self._users.pop().id)
            self.writes += 1
            await asyncio.sleep(0.01)

    async def _search(self) -> None:
        """Most users are there all the time: a search that finds fewer has met an index that is not whole."""
        while True:
            try:
                found = await self._backends.index.search(SearchRequest(plan("kept"), 1))
                if found.total < USERS // 2:
                    self.failures.append(f"{found.total} found")
            except ServiceError as exc:
                self.failures.append(str(exc))
            self.searches += 1
            await asyncio.sleep(0.005)


async def test_nobody_notices_a_rebuild_even_one_that_is_killed_and_run_again(
    environment: Environment, settings: Settings, backends: Backends, tmp_path: Path
) -> None:
    users = await _create(backends)
    async with indexer(environment, tmp_path / "indexer.log"):
        await _whole(backends)
        (old,) = await _indexes(settings)
        traffic = Traffic(backends, users)
        async with traffic.flowing():
            await _kill_one_that_fills(environment, settings)
            begun = await _indexes(settings)
            assert [(one.name, one.serving) for one in begun] == [(old.name, True), (begun[-1].name, False)]
            rebuilt = _json(await command(environment, "rebuild", "--json"))
            writes = traffic.writes
            await asyncio.sleep(1)
        assert traffic.failures == []
        assert traffic.writes > writes > 0 < traffic.searches
        assert rebuilt["index"] == begun[-1].name
        assert [one.name for one in await _indexes(settings) if one.serving] == [rebuilt["index"]]
        assert _json(await command(environment, "verify", "--json"))["drift"] == 0


async def test_the_index_that_served_before_catches_up_and_serves_again(embedded: Environment, tmp_path: Path) -> None:
    embedded = {**embedded, "SEARCH_TIMEOUT": "1"}
    settings = settings_of(embedded)
    async with open_backends(settings) as backends, indexer(embedded, tmp_path / "indexer.log"):
        users = await _create(backends)
        await _whole(backends)
        refused = await command(embedded, "rebuild", "--rollback")
        assert (refused.exit_code, refused.err.count("There is no kept index to roll back to")) == (2, 1)
        rebuilt = _json(await command(embedded, "rebuild", "--json"))
        await backends.users.delete(users[0].id)
        await backends.users.update(users[1].id, {"displayName": "Changed Meanwhile"})
        back = _json(await command(embedded, "rebuild", "--json", "--rollback"))
        assert [back["index"]] == rebuilt["previous"]
        report = _json(await command(embedded, "verify", "--json"))
        assert (report["index"], report["drift"], report["users"]) == (back["index"], 0, USERS - 1)
        listed = _json(await command(embedded, "rebuild", "--list", "--json"))
        assert [(one["index"], one["serving"]) for one in listed] == [(back["index"], True), (rebuilt["index"], False)]


async def _kill_one_that_fills(environment: Environment, settings: Settings) -> None:
    """SIGKILL, once its new index is there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "indexer", "rebuild", cwd=ROOT, env=environment, stdout=DEVNULL, stderr=DEVNULL
    )
    try:

        async def has_begun() -> bool:
            return len(await _indexes(settings)) > 1

        await until(has_begun, "the rebuild has begun")
    finally:
        process.kill()
        await process.wait()


async def _create(backends: Backends) -> list[User]:
    rows = [{"username": f"user{number}", "displayName": f"Kept {number}"} for number in range(USERS)]
    results = await backends.users.import_rows(rows, by="username")
    return [result.user for result in results if result.user is not None]


async def _whole(backends: Backends) -> None:
    async def is_whole() -> bool:
        try:
            return (await backends.index.search(SearchRequest(plan("kept"), 1))).total == USERS
        except SearchUnavailable:
            return False

    await until(is_whole, "the index is whole")


async def _indexes(settings: Settings) -> Sequence[IndexInfo]:
    async with open_index_catalog(settings) as catalog:
        return await catalog.indexes()


def _json(ended: Ended) -> Any:
    assert ended.exit_code == 0, ended.err
    return json.loads(ended.out)
