"""After the faults: the pipelines catch up, and what store and index then hold."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from domain.backends import Backends
from domain.errors import SearchUnavailable
from domain.users.model import User

DRAIN_SECONDS = 120.0
"""What "soon" is, on a busy machine."""

_PAGE = 500
_LOOK_SECONDS = 0.2


async def store_users(backends: Backends, known: Iterable[str]) -> dict[str, User]:
    """Every user by id; of deleted ones those among `known`."""
    users: dict[str, User] = {}
    after: str | None = None
    while page := await backends.store.scan(after, _PAGE):
        users |= {user.id: user for user in page}
        after = page[-1].id
    for ids in _parts(sorted(set(known) - users.keys())):
        users |= await backends.store.get(ids)
    return users


async def drained(backends: Backends, users: Mapping[str, User]) -> bool:
    """Wait until a search finds exactly the versions of `users`; whether that came to be in time."""
    live = {id: user.version for id, user in users.items() if not user.deleted}
    deadline = time.monotonic() + DRAIN_SECONDS
    while await _versions(backends, list(users)) != live:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return True


async def _versions(backends: Backends, ids: Sequence[str]) -> Mapping[str, int] | None:
    """What a search sees of `ids`; nothing while it does not answer."""
    versions: dict[str, int] = {}
    try:
        for part in _parts(ids):
            versions |= await backends.index.versions(part)
    except SearchUnavailable:
        return None
    return versions


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _PAGE] for start in range(0, len(ids), _PAGE))
