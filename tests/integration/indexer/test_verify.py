"""Verify on the real parts of every mode: it sees what is planted, exactly that, and repairs all but the future."""

import asyncio
import contextlib
import json
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ulid import ULID

from domain.backends import StoreBackend, open_index_catalog, open_store
from domain.errors import ServiceError
from domain.search.document import IndexEntry, SearchDocument, search_document
from domain.search.index import IndexCatalog
from domain.settings import Settings
from domain.users.model import User
from indexer.repair import repair_of
from indexer.reporting import PREFIX
from indexer.verify.drift import Kind
from indexer.verify.serving import serving, verify_serving
from tests.integration.indexer.command import command
from tests.integration.indexer.process import ROOT, Environment, indexer, settings_of, until
from tests.servers.ports import free_port
from tests.servers.process import ProcessGroup

USERS = 60


@pytest.fixture
def settings(environment: Environment) -> Settings:
    return settings_of(environment)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[StoreBackend]:
    async with open_store(settings) as opened:
        yield opened


@pytest.fixture
async def catalog(settings: Settings) -> AsyncIterator[IndexCatalog]:
    async with open_index_catalog(settings) as opened:
        yield opened


async def create(store: StoreBackend, count: int) -> list[User]:
    """Users, each at version 2."""
    rows = [{"username": f"user{n}", "displayName": f"User {n}"} for n in range(count)]
    created = [result.user for result in await store.users.import_rows(rows, by="username")]
    return [await store.users.update(user.id, {"displayName": "Chuy García"}) for user in created if user is not None]


async def level(store: StoreBackend, catalog: IndexCatalog) -> None:
    async def is_level() -> bool:
        try:
            return (await verify_serving(store.store, catalog, patience=0)).drift == 0
        except ServiceError:
            return False

    await until(is_level, "the index is level with the store")


async def put(catalog: IndexCatalog, id: str, version: int, document: SearchDocument | None) -> None:
    """Write past every pipeline. A writer of its own each time: in the embedded mode it remembers nothing."""
    async with catalog.writer((await serving(catalog)).name) as writer:
        (result,) = await writer.write([IndexEntry(id, version, document)], repair=True)
        assert result.outcome.value == "applied"


async def plant(settings: Settings, catalog: IndexCatalog, users: list[User]) -> dict[Kind, str]:
    """One fault of each kind at random ids."""
    chosen = random.sample(users, 4)
    faults = dict(zip((Kind.MISSING, Kind.STALE, Kind.DIFFERENT, Kind.AHEAD), chosen, strict=True))
    ids = {kind: user.id for kind, user in faults.items()} | {Kind.ORPHANED: str(ULID())}
    documents = {kind: search_document(user) for kind, user in faults.items()}
    await put(catalog, ids[Kind.MISSING], 2, None)
    if settings.elasticsearch_url is None:
        await put(catalog, ids[Kind.STALE], 2, None)
        await put(catalog, ids[Kind.STALE], 1, {**documents[Kind.STALE], "version": 1})
    else:  # the engine's version never goes back
        await put(catalog, ids[Kind.STALE], 2, {**documents[Kind.STALE], "version": 1})
    await put(catalog, ids[Kind.ORPHANED], 5, {**documents[Kind.STALE], "id": ids[Kind.ORPHANED], "version": 5})
    await put(catalog, ids[Kind.DIFFERENT], 2, {**documents[Kind.DIFFERENT], "displayName": "Somebody Else"})
    await put(catalog, ids[Kind.AHEAD], 7, {**documents[Kind.AHEAD], "version": 7})
    return ids


async def _follow(store: StoreBackend) -> bool:
    """Whether all pipelines follow their source: one that ends in a resync would sweep what is planted afterwards."""
    told = await store.ledger.entries(PREFIX, None, 10)
    return bool(told) and all(entry.value["state"] == "running" for entry in told)


async def run_verify(environment: Environment, *options: str) -> tuple[int, dict[str, Any]]:
    """The command's exit code and its JSON."""
    ended = await command(environment, "verify", "--json", "--patience", "1", *options)
    assert ended.out, ended.err
    return ended.exit_code, json.loads(ended.out)


def only(*kinds: Kind) -> dict[str, int]:
    return {kind.value: int(kind in kinds) for kind in Kind}


async def test_exactly_what_is_planted_is_reported_and_repaired(
    environment: Environment, settings: Settings, store: StoreBackend, catalog: IndexCatalog, tmp_path: Path
) -> None:
    users = await create(store, USERS)
    log = tmp_path / "indexer.log"
    async with indexer(environment, log) as process:
        await level(store, catalog)
        await until(lambda: _follow(store), "the resync of the first start is over, its sweep of orphans, too")
        assert await process.end() == 0
    ids = await plant(settings, catalog, users)
    code, told = await run_verify(environment)
    assert (code, told["users"], told["documents"]) == (1, USERS, USERS)
    assert told["found"] == told["remaining"] == only(*Kind)
    assert {one["kind"]: (one["id"], one["storeVersion"], one["indexVersion"]) for one in told["examples"]} == {
        "missing": (ids[Kind.MISSING], 2, None),
        "stale": (ids[Kind.STALE], 2, 1),
        "orphaned": (ids[Kind.ORPHANED], None, 5),
        "different": (ids[Kind.DIFFERENT], 2, 2),
        "ahead": (ids[Kind.AHEAD], 2, 7),
    }
    async with indexer(environment, log):  # in the embedded mode only it may write to the index
        code, told = await run_verify(environment, "--repair")
        assert (code, told["repaired"]) == (1, True)
        assert told["found"] == only(*Kind)
        assert told["remaining"] == only(Kind.AHEAD)
        await _quiet_under_writes(store, catalog, [user for user in users if user.id != ids[Kind.AHEAD]])
        await store.users.delete(ids[Kind.AHEAD])  # a deletion is final: the one who is ahead becomes an orphan
        report = await verify_serving(store.store, catalog, patience=5, repair_of=repair_of(settings, store, catalog))
        assert (report.found, report.drift) == ({Kind.ORPHANED: 1}, 0)


async def _quiet_under_writes(store: StoreBackend, catalog: IndexCatalog, users: list[User]) -> None:
    """While users are changed, created and deleted, only the one who is ahead is reported."""
    stop = asyncio.Event()

    async def write() -> None:
        names = iter(range(10**6))
        while not stop.is_set():
            user = users[next(names) % 10]
            await store.users.update(user.id, {"displayName": f"Name {next(names)}"})
            created = await store.users.create({"username": f"late{next(names)}"})
            await store.users.delete(created.id)

    writing = asyncio.create_task(write())
    try:
        for _ in range(2):
            report = await verify_serving(store.store, catalog, patience=20)
            assert report.found == {Kind.AHEAD: 1}
    finally:
        stop.set()
        await writing


async def test_a_pipeline_that_stands_still_is_drift(embedded: Environment, tmp_path: Path) -> None:
    settings = settings_of(embedded)
    async with open_store(settings) as store, open_index_catalog(settings) as catalog:
        users = await create(store, 5)
        async with indexer(embedded, tmp_path / "indexer.log") as process:
            await level(store, catalog)
            await process.pause()
            await store.users.update(users[0].id, {"displayName": "Nydia Velázquez"})
            await store.users.delete(users[1].id)
            code, told = await run_verify(embedded)
            assert (code, told["found"]) == (1, only(Kind.STALE, Kind.ORPHANED))
            process.resume()
            code, told = await run_verify(embedded, "--patience", "20")
            assert (code, told["drift"]) == (0, 0)


@contextlib.asynccontextmanager
async def watching(environment: Environment, log: Path) -> AsyncIterator[ProcessGroup]:
    command = (sys.executable, "-m", "indexer", "verify", "--continuous", "--every", "0.1", "--patience", "0.5")
    process = ProcessGroup(command, log=log, environment=environment, cwd=ROOT)
    try:
        yield process
    finally:
        process.signal(signal.SIGKILL)
        assert await process.ended(20)
        process.release()


async def test_the_continuous_mode_shows_drift_while_it_lasts(embedded: Environment, tmp_path: Path) -> None:
    environment = {**embedded, "INDEXER_PORT": str(free_port())}
    settings = settings_of(environment)

    async def metrics() -> list[str]:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(f"http://127.0.0.1:{settings.indexer_port}/metrics")
        except httpx.HTTPError:
            return []
        return answer.text.splitlines()

    async def shows(*lines: str) -> None:
        async def all_there() -> bool:
            return set(lines) <= set(await metrics())

        await until(all_there, f"/metrics shows {lines}")

    log = tmp_path / "verify.log"

    async def said() -> bool:
        return _said(log, "No index serves")

    async with open_store(settings) as store, open_index_catalog(settings) as catalog:
        await create(store, 5)
        async with watching(environment, log) as process:  # before there is an index
            await until(said, "the missing index is said")
            async with indexer(embedded, tmp_path / "indexer.log") as indexing:
                await level(store, catalog)
                assert await indexing.end() == 0
            await plant(settings, catalog, list(await store.store.scan(None, 5)))
            await shows(*(f'indexer_drift{{kind="{kind.value}"}} 1.0' for kind in Kind))
            await verify_serving(store.store, catalog, patience=1, repair_of=repair_of(settings, store, catalog))
            await shows('indexer_drift{kind="missing"} 0.0', 'indexer_drift{kind="ahead"} 1.0')
            process.signal(signal.SIGTERM)
            assert await process.ended(20)
            assert process.exit_code == 0
    assert "Traceback" not in log.read_text()


def _said(log: Path, text: str) -> bool:
    return log.exists() and text in log.read_text()
