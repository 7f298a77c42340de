"""From the store to the index in every mode, by the real process."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.backends import Backends, open_backends, open_index_writer
from domain.errors import SearchUnavailable
from domain.search.document import IndexEntry, search_document
from domain.settings import Settings
from domain.users.filter import EVERYONE
from domain.users.model import User
from tests.integration.indexer.process import Environment, indexer, settings_of, until


@pytest.fixture
def settings(environment: Environment) -> Settings:
    return settings_of(environment)


@pytest.fixture
async def backends(settings: Settings) -> AsyncIterator[Backends]:
    async with open_backends(settings) as opened:
        yield opened


async def _create(backends: Backends, names: list[str]) -> list[User]:
    rows = [{"username": name, "displayName": name.title()} for name in names]
    results = await backends.users.import_rows(rows, by="username")
    users = [result.user for result in results if result.user is not None]
    assert len(users) == len(names)
    return users


async def _level(backends: Backends, ids: list[str]) -> None:
    """Wait until the index holds what the store holds of `ids`."""

    async def level() -> bool:
        live = await backends.users.get(ids)
        wanted = {id: user.version for id, user in live.items()}
        try:
            return dict(await backends.index.versions(ids)) == wanted
        except SearchUnavailable:
            return False

    await until(level, "the index is level with the store")


async def test_changes_travel_whatever_happens_to_the_indexer(
    environment: Environment, backends: Backends, tmp_path: Path
) -> None:
    log = tmp_path / "indexer.log"
    users = await _create(backends, [f"early{n}" for n in range(60)])
    ids = [user.id for user in users]
    async with indexer(environment, log) as process:
        await _level(backends, ids)  # a resync of what was there before the first start
        await backends.users.update(ids[0], {"displayName": "Nydia Velázquez"})
        await backends.users.delete(ids[1])
        ids += [user.id for user in await _create(backends, [f"later{n}" for n in range(60)])]
        await _level(backends, ids)
        assert await process.end() == 0
    await backends.users.update(ids[2], {"displayName": "Chuy García"})
    await backends.users.delete(ids[3])
    async with indexer(environment, log) as process:
        await _level(backends, ids)  # from the checkpoint
        assert "resync" not in log.read_text().partition("indexer stopped")[2]
        await backends.users.update(ids[4], {"displayName": "Amy Klobuchar"})
        await process.kill()
    await backends.users.delete(ids[5])
    async with indexer(environment, log) as process:
        await _level(backends, ids)
        for query, id in (("velazquez", ids[0]), ("garcia chuy", ids[2]), ("klobuhcar", ids[4])):
            assert [hit.id for hit in (await backends.search.search(query)).hits] == [id]
        assert (await backends.search.search("early")).total == 60 - 3
        assert await process.end(signal.SIGINT) == 0
    assert "Traceback" not in log.read_text()
    assert '"trace"' not in log.read_text()


async def test_an_index_that_was_lost_is_filled_again(
    environment: Environment, backends: Backends, tmp_path: Path
) -> None:
    """What the index holds beyond the store is deleted; what it lacks comes by a resync."""
    users = await _create(backends, [f"user{n}" for n in range(10)])
    orphan = users.pop()
    ids = [user.id for user in users]
    async with open_index_writer(settings_of(environment)) as writer:
        await writer.prepare()
        await writer.write([IndexEntry(orphan.id, 9, {**search_document(orphan), "version": 9})])
    await _remove(backends, orphan)
    async with indexer(environment, tmp_path / "indexer.log"):
        await _level(backends, ids)
        if "KAFKA_TOPIC" not in environment:  # the topic never held the orphan: verify finds such a one

            async def gone() -> bool:
                return not await backends.index.versions([orphan.id])

            await until(gone, "the orphan is deleted")
    assert await backends.users.count(EVERYONE) == 9


async def _remove(backends: Backends, user: User) -> None:
    await backends.users.delete(user.id)
    await asyncio.sleep(0.005)
    assert await backends.users.expire_tombstones(timedelta(0)) == 1
