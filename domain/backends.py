"""From settings to opened adapters: the one place that chooses, used by every `__main__` and by the API's lifespan.

A mode's drivers are imported when that mode is opened: the embedded mode starts in a third of the time without
those of the cluster.
"""

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from domain.errors import SettingsError
from domain.guards import GuardedIndex, GuardedStore, api_breakers
from domain.peers.breaker.breakers import Breakers
from domain.search.change_token import ChangeTokens
from domain.search.index import IndexCatalog, IndexWriter, SearchIndex
from domain.search.service import SearchService
from domain.settings import Mode, Settings
from domain.users.feed import ChangeFeed
from domain.users.ledger import Ledger
from domain.users.service import UserService
from domain.users.store import UserStore

# ruff: noqa: PLC0415  (see the module's docstring)

MIN_SECRET_BYTES = 16


@dataclass(frozen=True, slots=True)
class StoreBackend:
    """One database through its three ports, and the use cases over it."""

    store: UserStore
    feed: ChangeFeed
    ledger: Ledger
    users: UserService


@dataclass(frozen=True, slots=True)
class Backends:
    """All that the API answers from."""

    store: UserStore
    ledger: Ledger
    index: SearchIndex
    users: UserService
    search: SearchService
    change_tokens: ChangeTokens

    @property
    def dependencies(self) -> Mapping[str, UserStore | SearchIndex]:
        """What /readyz asks, by name; only the store decides."""
        return {"store": self.store, "search": self.index}


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[StoreBackend]:
    """The user store of the settings' mode. Raises SettingsError if it cannot be reached or is not usable."""
    async with AsyncExitStack() as stack:
        is_embedded = settings.mode is Mode.EMBEDDED
        store, feed, ledger = await (_sqlite if is_embedded else _mongo)(settings, stack)
        yield StoreBackend(store, feed, ledger, UserService(store, phone_region=settings.phone_region))


@asynccontextmanager
async def open_backends(settings: Settings, breakers: Breakers | None = None) -> AsyncIterator[Backends]:
    """The store and the search index of the settings' mode, guarded by `breakers` (None: of their own).

    An unreachable index does not stop the API.
    """
    tokens = ChangeTokens(_change_token_secret(settings))
    breakers = breakers or api_breakers()
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(open_store(settings))
        is_embedded = settings.mode is Mode.EMBEDDED
        store = GuardedStore(opened.store, breakers)
        index = GuardedIndex(await (_tantivy if is_embedded else _elasticsearch)(settings, stack), breakers)
        users = UserService(store, phone_region=settings.phone_region)
        yield Backends(store, opened.ledger, index, users, SearchService(index, store, tokens), tokens)


@asynccontextmanager
async def open_index_writer(settings: Settings) -> AsyncIterator[IndexWriter]:
    """The writing side of the search index of the settings' mode. Raises SettingsError if another process holds it."""
    if settings.mode is Mode.EMBEDDED:
        from domain.search.tantivy import open_tantivy_writer

        async with open_tantivy_writer(_index_folder(settings)) as writer:
            yield writer
    else:
        from domain.search.elasticsearch import open_elasticsearch
        from domain.search.elasticsearch_writer import ElasticsearchWriter

        async with open_elasticsearch(_given(settings.elasticsearch_url), timeout=settings.search_timeout) as client:
            yield ElasticsearchWriter(
                client,
                settings.search_alias,
                shards=settings.search_shards,
                replicas=settings.search_replicas,
                refresh_interval=settings.search_refresh_interval,
                timeout=settings.search_timeout,
            )


@asynccontextmanager
async def open_index_catalog(settings: Settings) -> AsyncIterator[IndexCatalog]:
    """All indexes of the settings' mode."""
    if settings.mode is Mode.EMBEDDED:
        from domain.search.tantivy_catalog import TantivyCatalog

        yield TantivyCatalog(_index_folder(settings))
    else:
        from domain.search.elasticsearch import open_elasticsearch
        from domain.search.elasticsearch_catalog import ElasticsearchCatalog

        async with open_elasticsearch(_given(settings.elasticsearch_url), timeout=settings.search_timeout) as client:
            yield ElasticsearchCatalog(
                client,
                settings.search_alias,
                shards=settings.search_shards,
                replicas=settings.search_replicas,
                refresh_interval=settings.search_refresh_interval,
                timeout=settings.search_timeout,
            )


Ports = tuple[UserStore, ChangeFeed, Ledger]


async def _sqlite(settings: Settings, stack: AsyncExitStack) -> Ports:
    from domain.users.sqlite import SqliteDatabase, SqliteUserStore
    from domain.users.sqlite_feed import SqliteChangeFeed
    from domain.users.sqlite_ledger import SqliteLedger

    path = _folder(settings) / "users.db"
    database = await stack.enter_async_context(SqliteDatabase.open(path, timeout=settings.store_timeout))
    return SqliteUserStore(database), SqliteChangeFeed(database), SqliteLedger(database)


async def _mongo(settings: Settings, stack: AsyncExitStack) -> Ports:
    from domain.users.mongo import MongoUserStore, open_mongo
    from domain.users.mongo_feed import MongoChangeFeed
    from domain.users.mongo_ledger import MongoLedger

    opened = open_mongo(_given(settings.mongodb_url), settings.mongodb_database, timeout=settings.store_timeout)
    database = await stack.enter_async_context(opened)
    return MongoUserStore(database), MongoChangeFeed(database), MongoLedger(database)


async def _tantivy(settings: Settings, _: AsyncExitStack) -> SearchIndex:
    from domain.search.tantivy import TantivyIndex

    return TantivyIndex(_index_folder(settings), timeout=settings.search_timeout)


async def _elasticsearch(settings: Settings, stack: AsyncExitStack) -> SearchIndex:
    from domain.search.elasticsearch import ElasticsearchIndex, open_elasticsearch

    opened = open_elasticsearch(_given(settings.elasticsearch_url), timeout=settings.search_timeout)
    client = await stack.enter_async_context(opened)
    return ElasticsearchIndex(client, settings.search_alias, timeout=settings.search_timeout)


def _given(url: SecretStr | None) -> str:
    if url is None:
        raise SettingsError("MONGODB_URL and ELASTICSEARCH_URL are needed: see settings.mode.")
    return url.get_secret_value()


def _folder(settings: Settings) -> Path:
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # personal data
    except OSError as exc:
        raise SettingsError(f"DATA_DIR {settings.data_dir} cannot be made: {exc.strerror}.") from exc
    return settings.data_dir


def _index_folder(settings: Settings) -> Path:
    return _folder(settings) / "index"


def _change_token_secret(settings: Settings) -> bytes:
    """The setting; in the embedded mode, where one process signs and reads, a secret made once in DATA_DIR."""
    if settings.change_token_secret is not None:
        secret = settings.change_token_secret.get_secret_value().encode()
        if len(secret) < MIN_SECRET_BYTES:
            raise SettingsError(f"CHANGE_TOKEN_SECRET is too short: give at least {MIN_SECRET_BYTES} bytes.")
        return secret
    if settings.mode is not Mode.EMBEDDED:
        raise SettingsError(
            "CHANGE_TOKEN_SECRET is missing: give every API process the same secret, such as `openssl rand -hex 32`."
        )
    path = _folder(settings) / "change-token.secret"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        with suppress(FileExistsError):
            path.hardlink_to(draft)  # whole or not at all, and never over another process's
        draft.unlink()
    return path.read_bytes()
