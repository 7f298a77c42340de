"""A store and an index side by side, in memory, and faults planted in the index."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from domain.search.document import IndexEntry, search_document
from domain.users.model import Status, User
from domain.users.store import Write
from indexer.verify.drift import Drift, Kind
from tests.contract.search.oracle import Oracle
from tests.contract.search.oracle_catalog import OracleCatalog
from tests.contract.users.memory import MemoryDatabase, MemoryUserStore
from tests.contract.users.users import T0, a_user


@dataclass
class FakeTime:
    """A clock that only sleeping moves; `during` is called at every sleep, and may change the world."""

    seconds: float = 1_000.0
    during: Callable[[], Awaitable[None]] | None = None

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if self.during is not None:
            await self.during()


@dataclass
class SideBySide:
    """`catalog` has one index, which serves and is level with `store` to begin with."""

    index: str
    catalog: OracleCatalog
    database: MemoryDatabase = field(default_factory=MemoryDatabase)

    @property
    def store(self) -> MemoryUserStore:
        return MemoryUserStore(self.database)

    @property
    def oracle(self) -> Oracle:
        return self.catalog.oracles[self.index]

    @classmethod
    async def of(cls, users: Sequence[User]) -> "SideBySide":
        catalog = OracleCatalog()
        name = await catalog.create()
        await catalog.serve(name)
        system = cls(name, catalog)
        for user in users:
            await system.insert(user)
            await system.deliver(user.id)
        return system

    async def insert(self, user: User) -> None:
        assert await self.store.write(Write(user))

    async def update(self, id: str, **values: object) -> User:
        """The next version of a user, in the store alone."""
        user = (await self.store.get([id]))[id]
        changed = replace(user, version=user.version + 1, **values)  # type: ignore[arg-type]  # a test's own names
        assert await self.store.write(Write(changed, expected=user.version))
        return changed

    async def delete(self, id: str) -> None:
        """A tombstone, in the store alone."""
        user = (await self.store.get([id]))[id]
        tombstone = User(
            id=id,
            version=user.version + 1,
            status=Status.DELETED,
            created_at=T0,
            updated_at=T0,
            status_changed_at=T0,
        )
        assert await self.store.write(Write(tombstone, expected=user.version))

    async def deliver(self, id: str) -> None:
        """What a pipeline does about user `id`."""
        user = (await self.store.get([id]))[id]
        await self.oracle.write([IndexEntry(id, user.version, None if user.deleted else search_document(user))])

    async def plant(self, kind: Kind, id: str) -> Drift:
        """Spoil the index (or forget the user in the store) so that `id` is of `kind`; how it is to be reported."""
        user = (await self.store.get([id]))[id]
        document = search_document(user)
        match kind:
            case Kind.MISSING:
                self.oracle.forget([id])
                return Drift(id, kind, user.version, None)
            case Kind.STALE:
                await self.update(id, display_name="Nydia Velázquez")
                return Drift(id, kind, user.version + 1, user.version)
            case Kind.ORPHANED:
                del self.database.documents[id]
                return Drift(id, kind, None, user.version)
            case Kind.DIFFERENT:
                self.oracle.entries[id] = IndexEntry(id, user.version, {**document, "displayName": "Somebody Else"})
                return Drift(id, kind, user.version, user.version)
            case Kind.AHEAD:
                version = user.version + random.randint(1, 5)
                self.oracle.entries[id] = IndexEntry(id, version, {**document, "version": version})
                return Drift(id, kind, user.version, version)


def some_users(count: int) -> list[User]:
    return [a_user(display_name=f"User {number}", email=f"u{number}@example.org") for number in range(count)]
