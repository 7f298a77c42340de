"""The oracle: store, feed and ledger in memory, written as plainly as the definitions they are."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from domain.errors import NotUnique, PositionLost, ServiceError, UnreadableUser
from domain.users.feed import Change, Changes
from domain.users.fields import UNIQUE, Field
from domain.users.filter import Filter, compared_values, matches
from domain.users.ledger import Entry
from domain.users.model import User, from_document, to_document
from domain.users.page import Order, Page, Position, Window, sort_key
from domain.users.store import Write


class MemoryDatabase:
    """Users by id, who owns which unique value, and the journal of every write."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.owners: dict[tuple[str, Any], str] = {}
        self.journal: list[tuple[str, int, datetime]] = []
        self.entries: dict[str, Entry] = {}

    def user(self, id: str) -> User | None:
        document = self.documents.get(id)
        return from_document(document) if document else None

    def live(self) -> list[User]:
        return [user for user in map(from_document, self.documents.values()) if not user.deleted]


class MemoryUserStore:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def write(self, write: Write) -> bool:
        stored, user = self._database.user(write.user.id), write.user
        document = to_document(user)
        if write.expected is None and stored is not None:
            raise NotUnique("id")
        if write.expected is not None and (stored is None or stored.version != write.expected):
            return False
        keys = {(field.name, value) for field in UNIQUE for value in compared_values(field, user)}
        for field in UNIQUE:
            if any(self._database.owners.get(key, user.id) != user.id for key in keys if key[0] == field.name):
                raise NotUnique(field.name)
        for field in UNIQUE:
            for value in compared_values(field, stored) if stored else ():
                del self._database.owners[field.name, value]
        self._database.owners |= dict.fromkeys(keys, user.id)
        self._database.documents[user.id] = document
        self._database.journal.append((user.id, user.version, user.updated_at))
        return True

    async def write_many(self, writes: Sequence[Write]) -> Sequence[bool | ServiceError]:
        results: list[bool | ServiceError] = []
        for write in writes:
            try:
                results.append(await self.write(write))
            except ServiceError as exc:
                results.append(exc)
        return results

    async def get(self, ids: Sequence[str]) -> Mapping[str, User]:
        return {id: user for id in ids if (user := self._database.user(id)) is not None}

    async def find(self, field: Field, keys: Sequence[str]) -> Mapping[str, User]:
        by_key = {compared_values(field, user): user for user in self._database.live()}
        return {key: by_key[(key,)] for key in keys if (key,) in by_key}

    async def page(self, filter: Filter, order: Order, window: Window) -> Page:
        users = sorted(
            (user for user in self._database.live() if matches(filter, user)),
            key=lambda user: sort_key(user, order),
            reverse=order.descending,
        )
        found = [user for user in users if _within(user, order, window)]
        if window.backward:
            return Page(found[-window.limit :], more=len(found) > window.limit)
        return Page(found[: window.limit], more=len(found) > window.limit)

    async def count(self, filter: Filter) -> int:
        return sum(matches(filter, user) for user in self._database.live())

    async def scan(self, after: str | None, limit: int) -> Sequence[User]:
        users = sorted((user for user in self._database.live() if user.id > (after or "")), key=lambda user: user.id)
        return users[:limit]

    async def remove_tombstones(self, before: datetime, limit: int) -> int:
        expired = [
            user.id
            for user in map(from_document, self._database.documents.values())
            if user.deleted and user.status_changed_at < before
        ][:limit]
        for id in expired:
            del self._database.documents[id]
        return len(expired)

    async def ping(self) -> None:
        pass


def _within(user: User, order: Order, window: Window) -> bool:
    key = sort_key(user, order)
    sign = -1 if order.descending else 1
    after = window.after is None or _compare(key, _bound(window.after)) * sign > 0
    before = window.before is None or _compare(key, _bound(window.before)) * sign < 0
    return after and before


def _bound(position: Position) -> tuple[bool, Any, str]:
    return (position.value is not None, position.value if position.value is not None else "", position.id)


def _compare(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


class MemoryFeedReader:
    def __init__(self, database: MemoryDatabase, position: int) -> None:
        self._database = database
        self._position = position

    async def read(self, limit: int, wait: float) -> Changes:
        deadline = asyncio.get_running_loop().time() + wait
        asked_at = time.monotonic()
        while not (rows := self._database.journal[self._position : self._position + limit]):
            if asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(0.001)
            asked_at = time.monotonic()
        self._position += len(rows)
        newest = {id: at for id, _, at in rows}
        changes = []
        for id, at in newest.items():
            try:
                user = self._database.user(id)
            except UnreadableUser as exc:
                changes.append(Change(id, exc.version, None, at, unreadable=exc.reason))
                continue
            if user is not None:
                changes.append(Change(id, user.version, None if user.deleted else user, at))
        return Changes(changes, str(self._position), asked_at if len(rows) < limit else None)

    async def lag(self) -> int:
        return len(self._database.journal) - self._position


class MemoryChangeFeed:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def now(self) -> str:
        return str(len(self._database.journal))

    @asynccontextmanager
    async def follow(self, position: str) -> AsyncIterator[MemoryFeedReader]:
        if not position.isdecimal() or int(position) > len(self._database.journal):
            raise PositionLost("not a position of this feed")
        yield MemoryFeedReader(self._database, int(position))


class MemoryLedger:
    def __init__(self, database: MemoryDatabase) -> None:
        self._entries = database.entries

    async def read(self, key: str) -> Entry | None:
        return self._entries.get(key)

    async def write(self, key: str, value: Mapping[str, Any], *, expected: int) -> bool:
        entry = self._entries.get(key)
        if (entry.revision if entry else 0) != expected:
            return False
        self._entries[key] = Entry(key, dict(value), expected + 1)
        return True

    async def entries(self, prefix: str, after: str | None, limit: int) -> Sequence[Entry]:
        keys = sorted(key for key in self._entries if key.startswith(prefix) and key > (after or ""))
        return [self._entries[key] for key in keys[:limit]]

    async def remove(self, key: str) -> None:
        self._entries.pop(key, None)
