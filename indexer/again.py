"""Users once more, as the store has them now: how dead letters are replayed and drift is repaired."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from domain.errors import UnreadableUser
from domain.search.document import IndexEntry
from domain.search.index import Outcome, Result
from domain.users.feed import Change
from domain.users.model import User
from domain.users.store import UserStore
from indexer.dead_letters import DeadLetter, DeadLetters
from indexer.pipeline import MAX_AGE_SECONDS
from indexer.projection import Projection
from indexer.sinks.shared import SharedSink

log = structlog.get_logger()


class Again:
    """Writes to `sink` what `store` has, and keeps the dead letters in step with what comes of it."""

    def __init__(
        self,
        store: UserStore,
        sink: SharedSink,
        letters: DeadLetters,
        projection: Projection,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._sink = sink
        self._letters = letters
        self._projection = projection
        self._monotonic = monotonic

    async def write(self, users: Mapping[str, int]) -> bool:
        """Deliver `users` (at most 1,000 ids, each with the version that the sink is known to hold).

        False: some were not taken now, so all are to be delivered again later. A user that is refused gets a dead
        letter with one more attempt; the letters of the others are dropped. Raises what store, sink and letters raise.
        """
        async with self._sink.alone() as sink:  # what is read must be written before anybody writes something newer
            entries, refused = await self._read(users)
            results = await sink.write(entries, repair=True)
        refused = [*refused, *self._rejected(entries, results)]
        busy = {entry.id for entry, result in zip(entries, results, strict=True) if result.outcome is Outcome.BUSY}
        await self._account(users.keys() - busy, refused)
        return not busy

    async def _read(self, users: Mapping[str, int]) -> tuple[list[IndexEntry], list[DeadLetter]]:
        """What to write of `users`; read anew if it is too old by then, because the process was paused."""
        while True:
            read_at = self._monotonic()
            entries, refused = self._projection.entries(await self._changes(users))
            if self._monotonic() - read_at <= MAX_AGE_SECONDS:
                return entries, refused

    async def _changes(self, users: Mapping[str, int]) -> list[Change]:
        at = self._projection.clock()
        found, unreadable = await stored(self._store, users)
        readable = {id: held for id, held in users.items() if id not in unreadable}
        spoilt = [Change(id, exc.version, None, at, unreadable=exc.reason) for id, exc in unreadable.items()]
        return [*changes_now(readable, found, at), *spoilt]

    def _rejected(self, entries: Sequence[IndexEntry], results: Sequence[Result]) -> list[DeadLetter]:
        name, at = self._projection.name, self._projection.clock()
        return [
            DeadLetter(entry.id, entry.version, name, result.reason, 1, at)
            for entry, result in zip(entries, results, strict=True)
            if result.outcome is Outcome.REJECTED
        ]

    async def _account(self, ids: Collection[str], refused: Sequence[DeadLetter]) -> None:
        held = await self._letters.get(list(ids))
        counted = [replace(made, attempts=held[made.id].attempts + 1) if made.id in held else made for made in refused]
        for letter in counted:
            log.error("dead letter", user=letter.id, version=letter.version, origin=letter.origin, reason=letter.reason)
        await self._letters.add(counted)
        await self._letters.drop(sorted(held.keys() - {letter.id for letter in counted}))


async def stored(store: UserStore, ids: Collection[str]) -> tuple[Mapping[str, User], Mapping[str, UnreadableUser]]:
    """The users of `ids` that `store` has, and those of whom it has a document that is no user."""
    unreadable: dict[str, UnreadableUser] = {}
    while True:
        try:
            return await store.get([id for id in ids if id not in unreadable]), unreadable
        except UnreadableUser as exc:
            if exc.id in unreadable:
                raise
            unreadable[exc.id] = exc


def changes_now(users: Mapping[str, int], found: Mapping[str, User], at: datetime) -> list[Change]:
    """What is to be said about `users` (ids and held versions), of whom the store has `found`.

    Of a user who is deleted no later version can come: where there is no tombstone any more, or an older one than what
    is held, the held one plus one is safe.
    """
    return [_change_now(id, held, found.get(id), at) for id, held in users.items()]


def _change_now(id: str, held: int, user: User | None, at: datetime) -> Change:
    if user is None or (user.deleted and held > user.version):  # the store has lost versions, as by a restore
        return Change(id, held + 1, None, at)
    return Change(id, user.version, None if user.deleted else user, at)
