"""Whether a system holds what its writers were told: its store at once, its index soon."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence

from domain.backends import Backends, open_index_writer
from domain.errors import SearchUnavailable
from domain.settings import Settings
from domain.users.model import User
from tests.integration.resilience.account import Account, index_problems
from tests.integration.resilience.system import System

LEVEL_SECONDS = 60.0
"""What "soon" is, on a busy machine."""

_PAGE = 500


async def check_store(account: Account, backends: Backends) -> None:
    """Every acknowledged write is in the store, and nothing that nobody wrote."""
    users = await _live(backends)
    for ids in _parts(list(account.acknowledged)):
        users |= await backends.store.get(ids)
    problems = list(account.store_problems(users))
    assert not problems, problems


async def check_index(system: System, backends: Backends, account: Account) -> None:
    """A search soon sees what the store holds; with the indexers stopped, the index is then exactly the store."""
    live = {id: user.version for id, user in (await _live(backends)).items()}
    known = list(account.acknowledged.keys() | live.keys())
    deadline = time.monotonic() + LEVEL_SECONDS
    while await _versions(known, backends) != live:
        if time.monotonic() > deadline:
            break  # what differs is told below
        await asyncio.sleep(0.1)
    for indexer in system.indexers.values():
        await indexer.stop()
    problems = list(index_problems(live, await _indexed(system.settings)))
    assert not problems, problems


async def _live(backends: Backends) -> dict[str, User]:
    users: dict[str, User] = {}
    after: str | None = None
    while page := await backends.store.scan(after, _PAGE):
        users |= {user.id: user for user in page}
        after = page[-1].id
    return users


async def _versions(ids: Sequence[str], backends: Backends) -> Mapping[str, int] | None:
    """What a search sees of `ids`; nothing while it does not answer."""
    versions: dict[str, int] = {}
    try:
        for part in _parts(ids):
            versions |= await backends.index.versions(part)
    except SearchUnavailable:
        return None
    return versions


async def _indexed(settings: Settings) -> Sequence[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    async with open_index_writer(settings) as writer:
        await writer.prepare()
        while page := await writer.scan(found[-1][0] if found else None, _PAGE):
            found += page
    return found


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _PAGE] for start in range(0, len(ids), _PAGE))
