"""A rebuild over the oracles, and a fault that can be placed at each of its steps."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.backends import StoreBackend
from domain.search.document import IndexEntry, search_document
from domain.users.editing import tombstone
from domain.users.model import User
from domain.users.service import UserService
from domain.users.store import Write
from indexer.batching import Limits
from indexer.dead_letters import LedgerDeadLetters
from indexer.lease import Lease
from indexer.rebuild.letters import Remembered
from indexer.rebuild.rebuild import LEASE, Rebuild, Rebuilt
from indexer.rebuild.state import KEY, KeptIndexes
from tests.contract.search.oracle_catalog import OracleCatalog
from tests.contract.users.memory import MemoryChangeFeed, MemoryDatabase, MemoryLedger, MemoryUserStore
from tests.contract.users.users import a_user
from tests.unit.indexer.fakes import NOON

LIMITS = Limits(count=2, bytes=1_000_000, wait=0.0)
KEEP = timedelta(days=1)


class Interrupted(BaseException):
    """The process has ended, so to speak."""


class Fuse:
    """Blows at the call number `at`, and from then on at every call: nothing of the process goes on."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.calls = 0

    def burn(self) -> None:
        self.calls += 1
        if self.at is not None and self.calls >= self.at:
            raise Interrupted


class Fused:
    """`port`, whose asynchronous methods burn the fuse both before and after their work."""

    def __init__(self, port: Any, fuse: Fuse, names: frozenset[str]) -> None:
        self._port = port
        self._fuse = fuse
        self._names = names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in self._names:
            return found

        async def burning(*args: Any, **options: Any) -> Any:
            self._fuse.burn()
            result = await found(*args, **options)
            self._fuse.burn()
            return result

        return burning


class Rig:
    """A store and its index, which is level with it."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.store = MemoryUserStore(self.database)
        self.ledger = MemoryLedger(self.database)
        self.catalog = OracleCatalog()
        self.kept = KeptIndexes(self.ledger)
        self.letters = Remembered(LedgerDeadLetters(self.ledger))

    @classmethod
    async def of(cls, count: int) -> "Rig":
        rig = cls()
        rig.catalog.serving = await rig.catalog.create()
        for _ in range(count):
            await rig.create()
        return rig

    async def create(self, **values: Any) -> User:
        user = a_user(**values)
        assert await self.store.write(Write(user))
        await self.index(user)
        return user

    async def change(self, user: User, **values: Any) -> User:
        changed = replace(user, version=user.version + 1, **values)
        assert await self.store.write(Write(changed, expected=user.version))
        await self.index(changed)
        return changed

    async def delete(self, user: User) -> None:
        gone = tombstone(user, write_id="t", at=NOON)
        assert await self.store.write(Write(gone, expected=user.version))
        await self.index(gone)

    async def index(self, user: User) -> None:
        """As the pipeline does it."""
        document = None if user.deleted else search_document(user)
        await self.catalog.alias.write([IndexEntry(user.id, user.version, document)])

    async def run(self, fuse: Fuse | None = None, *, onto: str | None = None, **changes: Any) -> Rebuilt:
        """One process's attempt."""
        fuse = fuse or Fuse()
        ledger: Any = Fused(self.ledger, fuse, frozenset({"read", "write", "remove"}))
        catalog: Any = Fused(self.catalog, fuse, frozenset({"create", "serve", "drop", "indexes"}))
        store: Any = Fused(self.store, fuse, frozenset({"scan"}))
        backend = StoreBackend(store, MemoryChangeFeed(self.database), ledger, UserService(self.store))
        lease = Lease(self.ledger, LEASE, holder=str(fuse), duration=timedelta(hours=1), monotonic=_later())
        term = await lease.attempt() or await lease.attempt()
        assert term is not None
        term._ledger = ledger
        options: dict[str, Any] = {
            "limits": LIMITS,
            "in_flight": timedelta(0),
            "patience": 0.01,
            "keep": KEEP,
            "wait": 0.001,
        }
        letters = self.letters
        return await Rebuild("p", backend, catalog, term, letters, clock=lambda: NOON, **options | changes).run(onto)

    async def is_done(self) -> bool:
        """Whether no rebuild is under way any more, although one was."""
        return await self.ledger.read(KEY) is None and bool(await self.kept.read())

    async def levels(self, name: str) -> bool:
        """Whether the index `name` is what the store is."""
        users = await self.store.scan(None, 1_000)
        held = {id: entry for id, entry in self.catalog.oracles[name].entries.items() if entry.document is not None}
        return held == {user.id: IndexEntry(user.id, user.version, search_document(user)) for user in users}


def _later() -> Callable[[], float]:
    """A clock by which whoever has the lease is long gone."""
    hours = iter(range(0, 1_000_000, 2))
    return lambda: next(hours) * 3600.0
