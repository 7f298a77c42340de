"""The API's dependencies behind circuit breakers: one that does not answer is given a rest, and its callers are told
at once. Pipelines go without: they have their backoff, and a refused call would lose them their place.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta

from domain.errors import IndexMissing, SearchUnavailable, ServiceError, SettingsError, StoreUnavailable
from domain.identity.jwks import Load
from domain.identity.keys import KeysUnavailable
from domain.peers.breaker.breaker import Mode
from domain.peers.breaker.breakers import Breakers
from domain.peers.breaker.errors import CircuitOpen
from domain.peers.breaker.failures import is_failure
from domain.peers.breaker.policy import BreakerPolicy
from domain.search.index import SearchIndex
from domain.search.query import SearchRequest, SearchResult
from domain.users.fields import Field
from domain.users.filter import Filter
from domain.users.model import User
from domain.users.page import Order, Page, Window
from domain.users.store import UserStore, Write

STORE = "store"
SEARCH = "search"
TOKEN_KEYS = "token keys"  # noqa: S105 (a name)

POLICY = BreakerPolicy(longest=timedelta(seconds=5))
"""Looking again after seconds matters more than sparing three calls to what is down."""

_SELDOM = BreakerPolicy(minimum_calls=3, probes=1, window=timedelta(minutes=2))
"""For what is asked every ten seconds at most."""


def api_breakers() -> Breakers:
    """The breakers of the API's own dependencies; those of its peers join them."""
    return Breakers([STORE, SEARCH, TOKEN_KEYS], policy=POLICY, policies={TOKEN_KEYS: _SELDOM}, is_failure=_is_failure)


async def force_circuits(breakers: Breakers, wanted: Mapping[str, str]) -> None:
    """Hold the circuits `wanted` names "open" or "closed". Raises SettingsError for a name that is none."""
    known = sorted(status.name for status in breakers.status())
    for name, mode in wanted.items():
        if name not in known:
            raise SettingsError(f"CIRCUITS: there is no circuit {name!r}, only: {', '.join(known)}.")
        await breakers.force(name, Mode(mode))


def guarded_load(load: Load, breakers: Breakers) -> Load:
    """`load`, which raises KeysUnavailable while its circuit is open; the keys that are held go on serving."""

    async def guarded() -> bytes:
        async with _guarded(breakers, TOKEN_KEYS, _keys_resting):
            return await load()

    return guarded


class GuardedStore:
    """A UserStore; while its circuit is open every call raises StoreUnavailable. `ping` always asks."""

    def __init__(self, store: UserStore, breakers: Breakers) -> None:
        self._store = store
        self._breakers = breakers

    async def write(self, write: Write) -> bool:
        async with self._guard():
            return await self._store.write(write)

    async def write_many(self, writes: Sequence[Write]) -> Sequence[bool | ServiceError]:
        """What failed comes as a result, not raised: the circuit is told of it all the same."""
        results: Sequence[bool | ServiceError] = ()
        try:
            async with self._guard():
                results = await self._store.write_many(writes)
                for result in results:
                    if isinstance(result, StoreUnavailable):
                        raise result
        except StoreUnavailable:
            if not results:
                raise
        return results

    async def get(self, ids: Sequence[str]) -> Mapping[str, User]:
        async with self._guard():
            return await self._store.get(ids)

    async def find(self, field: Field, keys: Sequence[str]) -> Mapping[str, User]:
        async with self._guard():
            return await self._store.find(field, keys)

    async def page(self, filter: Filter, order: Order, window: Window) -> Page:
        async with self._guard():
            return await self._store.page(filter, order, window)

    async def count(self, filter: Filter) -> int:
        async with self._guard():
            return await self._store.count(filter)

    async def scan(self, after: str | None, limit: int) -> Sequence[User]:
        async with self._guard():
            return await self._store.scan(after, limit)

    async def remove_tombstones(self, before: datetime, limit: int) -> int:
        async with self._guard():
            return await self._store.remove_tombstones(before, limit)

    async def ping(self) -> None:
        await self._store.ping()

    def _guard(self) -> AbstractAsyncContextManager[None]:
        return _guarded(self._breakers, STORE, lambda rest: StoreUnavailable(_resting("The user store", rest)))


class GuardedIndex:
    """A SearchIndex; while its circuit is open every call raises SearchUnavailable. `ping` always asks."""

    def __init__(self, index: SearchIndex, breakers: Breakers) -> None:
        self._index = index
        self._breakers = breakers

    async def search(self, request: SearchRequest) -> SearchResult:
        async with self._guard():
            return await self._index.search(request)

    async def versions(self, ids: Sequence[str]) -> Mapping[str, int]:
        async with self._guard():
            return await self._index.versions(ids)

    async def ping(self) -> None:
        await self._index.ping()

    def _guard(self) -> AbstractAsyncContextManager[None]:
        return _guarded(self._breakers, SEARCH, lambda rest: SearchUnavailable(_resting("The search engine", rest)))


@asynccontextmanager
async def _guarded(breakers: Breakers, name: str, told: Callable[[CircuitOpen], ServiceError]) -> AsyncIterator[None]:
    """Around one call of a dependency; while its circuit is open, what callers are told is raised instead."""
    try:
        async with breakers.get(name):
            yield
    except CircuitOpen as exc:
        raise told(exc) from exc


def _keys_resting(_: CircuitOpen) -> KeysUnavailable:
    return KeysUnavailable("the JWKS URL has not been answering and is given a rest")


def _resting(what: str, error: CircuitOpen) -> str:
    return f"{what} has not been answering and is not asked: try again in {error.retry_after.total_seconds():.1f} s."


def _is_failure(error: Exception) -> bool:
    """An engine that says that there is no index has answered; resting, it would hide what is to be done."""
    return isinstance(error, KeysUnavailable) or (is_failure(error) and not isinstance(error, IndexMissing))
