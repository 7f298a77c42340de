"""`kill -9` of every process in turn under a write load: acknowledged is in the store and, soon, in the index."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.backends import Backends, open_backends
from domain.errors import SearchUnavailable
from tests.integration.indexer.process import Environment, until
from tests.integration.resilience.api import api_of
from tests.integration.resilience.checks import check_index, check_store
from tests.integration.resilience.conftest import Servers
from tests.integration.resilience.system import Part, System, running
from tests.integration.resilience.writers import Writers

WRITERS = 4
DEAD = 1.5  # seconds
SECONDS = 90.0  # within which the system has to have recovered, on a busy machine


@dataclass(frozen=True, slots=True)
class Kill:
    """How the writers fared: acknowledgements in the second before it, from then until it ran again, and times."""

    name: str
    before: int
    meanwhile: int
    acknowledged_again: float
    """Seconds from the kill to the end of the first acknowledged write that was begun after it."""

    indexed_again: float
    """Seconds from its start until the newest write of that moment was found by a search."""


async def test_the_cluster_loses_no_acknowledged_write(
    cluster: Environment, servers: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(cluster, tmp_path) as system:
        parts: dict[str, Part] = {
            "API": system.api,
            **system.indexers,
            "MongoDB": servers.mongodb,
            "Kafka": servers.kafka,
            "Elasticsearch": servers.elasticsearch,
        }
        await _kill_all(system, parts, capsys)


async def test_the_embedded_mode_loses_no_acknowledged_write(
    embedded: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(embedded, tmp_path) as system:
        await _kill_all(system, {"API": system.api, **system.indexers}, capsys)


async def _kill_all(system: System, parts: Mapping[str, Part], capsys: pytest.CaptureFixture[str]) -> None:
    await until(system.answers, "the API listens")
    async with open_backends(system.settings) as backends, api_of(system.settings) as api:
        writers = Writers(api, WRITERS)
        kills: list[Kill] = []
        try:
            async with writers.writing():
                await _indexed("the start", writers, backends)
                for name, part in parts.items():
                    kills.append(await _kill(name, part, writers, backends))
        finally:
            with capsys.disabled():
                sys.stdout.write(_table(kills, writers))
        await check_store(writers.account, backends)
        await check_index(system, backends, writers.account)


async def _kill(name: str, part: Part, writers: Writers, backends: Backends) -> Kill:
    await asyncio.sleep(1)
    begun = time.monotonic()
    before = writers.since(begun - 1)
    assert before > 0, f"nothing is acknowledged any more when {name} is to be killed"
    async with asyncio.TaskGroup() as group:
        again = group.create_task(_acknowledged_since(begun, writers))
        await part.kill()
        await asyncio.sleep(DEAD)
        started = time.monotonic()
        await part.start()
    meanwhile = writers.since(begun)
    await _indexed(f"the kill of {name}", writers, backends)
    return Kill(name, before, meanwhile, again.result(), time.monotonic() - started)


async def _acknowledged_since(begun: float, writers: Writers) -> float:
    """Wait for it; how many seconds after `begun`."""

    async def acknowledged() -> bool:
        return writers.since(begun) > 0

    return await until(acknowledged, "writes are acknowledged again", SECONDS)


async def _indexed(after: str, writers: Writers, backends: Backends) -> None:
    """Wait until a search sees the newest acknowledged write of this moment, or one after it."""
    wanted = writers.newest()

    async def is_found() -> bool:
        nonlocal wanted
        if wanted is None or writers.is_deleted(wanted[0]):
            wanted = writers.newest()
            return False
        try:
            return (await backends.index.versions([wanted[0]])).get(wanted[0], 0) >= wanted[1]
        except SearchUnavailable:
            return False

    await until(is_found, f"the index has the newest write after {after}", SECONDS)


def _table(kills: Sequence[Kill], writers: Writers) -> str:
    account = writers.account
    titles = "\nkilled         acks in 1 s before   acks until back   s to next ack   s from start to indexed\n"
    rows = (
        f"{kill.name:<14} {kill.before:>18} {kill.meanwhile:>17} {kill.acknowledged_again:>15.2f} "
        f"{kill.indexed_again:>25.2f}\n"
        for kill in kills
    )
    unknown = len(account.unknown) + len(account.unknown_creations)
    total = f"{len(writers.times)} acknowledged, {unknown} of unknown outcome; {len(account.acknowledged)} users\n"
    return titles + "".join(rows) + total
