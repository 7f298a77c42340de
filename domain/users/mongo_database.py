"""The connection to MongoDB: durable by default, bounded in time, its collections and indexes in place."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

import pymongo
from beanie import Document, init_beanie
from pymongo import ASCENDING, AsyncMongoClient, IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    InvalidName,
    OperationFailure,
    PyMongoError,
)

from domain.errors import OutOfReach, SettingsError, StoreUnavailable
from domain.users.fields import FIELDS, UNIQUE, Field, Kind
from domain.users.mongo_filter import stored_name

T = TypeVar("T")

Stored = dict[str, Any]
"""A document as it is stored: model.py's, with `_id` for `id`."""

INDEX_BUILD_TIMEOUT = timedelta(minutes=10)
"""How long a start may wait for an index of a collection that is already large."""

_UNAUTHORIZED = frozenset({13, 18, 8000})


def _indexes() -> list[IndexModel]:
    """Unique keys first, in the order in which a duplicate is reported; then one for every order and selective filter.

    A sparse index cannot serve a sort, because it lacks the users without the field.
    """
    unique = [
        IndexModel([(field.compared, ASCENDING)], name=f"unique_{field.name}", unique=True, sparse=True)
        for field in UNIQUE
    ]
    lists = [
        IndexModel([(field.compared, ASCENDING), ("_id", ASCENDING)], name=f"list_{field.name}")
        for field in FIELDS
        if stored_name(field) != "_id" and (field.sortable or _selective(field))
    ]
    return unique + lists


def _selective(field: Field) -> bool:
    """Whether a filter on the field leaves few users, so that an index is worth its price at every write."""
    return field.filterable and (field.kind is Kind.TEXTS or (field.kind is Kind.TEXT and not field.facetable))


class UserDocument(Document):
    """The collection of users and its indexes.

    Documents are read and written as plain mappings, so that what this release does not know survives.
    """

    id: str  # type: ignore[assignment]  # Beanie's own is an ObjectId
    version: int

    class Settings:
        name: ClassVar[str] = "users"
        indexes: ClassVar[list[IndexModel]] = _indexes()


class Calls:
    """Calls of the driver, each in a task of its own that its caller's cancellation does not reach.

    PyMongo closes a connection on which it is cancelled, may leak one that is being opened, and before Python 3.12
    may lose the cancellation. A call that nobody waits for any more ends by the client's time limit.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(call)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def run(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of `call`. Raises what it raises."""
        return await asyncio.shield(self.start(call))

    async def read(self, call: Coroutine[Any, Any, T]) -> T:
        """Like `run`, but the driver's errors are StoreUnavailable."""
        try:
            return await self.run(call)
        except PyMongoError as exc:
            raise StoreUnavailable from exc

    async def finish(self) -> None:
        """Wait for what is still running."""
        while self._running:
            await asyncio.wait(self._running)


async def is_there(calls: Calls, collection: AsyncCollection[Stored], id: str, write_id: str) -> bool:
    """Whether a write is there that was told to have found a document in its way, or none. Raises StoreUnavailable.

    The driver repeats a write whose answer was lost. A server that was killed may not know the repeated one any
    more, and what is in its way then is our own first attempt.
    """
    found = await calls.read(collection.find_one({"_id": id}, {"writeId": True}))
    return found is not None and found.get("writeId") == write_id


@dataclass(frozen=True, slots=True)
class MongoDatabase:
    """An open database, and how its driver is called. Every call is bounded by `timeout`."""

    users: AsyncCollection[Stored]
    ledger: AsyncCollection[Stored]
    calls: Calls
    timeout: timedelta


@asynccontextmanager
async def open_mongo(url: str, database: str, *, timeout: timedelta) -> AsyncIterator[MongoDatabase]:
    """Connect to `database` of the replica set at `url` and make its indexes.

    Raises SettingsError, saying what to do, if there is none, or if it cannot be used.
    """
    client = _client(url, timeout)
    calls = Calls()
    try:
        opened = _database(client, database)
        await calls.run(_prepare(opened))
        yield MongoDatabase(opened[UserDocument.Settings.name], opened["ledger"], calls, timeout)
    finally:
        await calls.finish()
        await client.close()


def _client(url: str, timeout: timedelta) -> AsyncMongoClient[Stored]:
    milliseconds = max(1, round(timeout.total_seconds() * 1000))
    try:
        return AsyncMongoClient(
            url,
            appname="user-service",
            tz_aware=True,
            uuidRepresentation="standard",
            w="majority",
            journal=True,
            readConcernLevel="majority",
            readPreference="primary",
            retryReads=True,
            retryWrites=True,
            timeoutMS=milliseconds,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
        )
    except (PyMongoError, ValueError):
        # Not chained: the driver's message may quote a part of the URL, and so of the password.
        raise SettingsError(
            "MONGODB_URL is not a connection string: write mongodb://host:27017/?replicaSet=rs0, "
            "with special characters of user and password percent-encoded."
        ) from None


def _database(client: AsyncMongoClient[Stored], name: str) -> AsyncDatabase[Stored]:
    try:
        return client[name]
    except InvalidName as exc:
        raise SettingsError(f"MONGODB_DATABASE cannot be {name!r}: {exc}.") from exc


async def _prepare(database: AsyncDatabase[Stored]) -> None:
    try:
        hello = await database.client.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise SettingsError(
                "MONGODB_URL leads to a server that is no replica set, which change streams and durable writes need: "
                "start mongod with --replSet rs0, run rs.initiate() once, and add ?replicaSet=rs0 to the URL."
            )
        with pymongo.timeout(INDEX_BUILD_TIMEOUT.total_seconds()):
            await init_beanie(database=database, document_models=[UserDocument])
    except (ConnectionFailure, ConfigurationError) as exc:
        raise OutOfReach(
            "MONGODB_URL: no primary of a replica set answered: check the hosts and the replicaSet in it, "
            "and that the server runs and can be reached from here."
        ) from exc
    except DuplicateKeyError as exc:
        # Not chained, and the details not told: they hold the value, which is personal.
        names = ", ".join((exc.details or {}).get("keyPattern", ()))
        raise SettingsError(
            f"MONGODB_DATABASE {database.name!r} has users who share a unique value of {names or 'a field'}: "
            "make it unique and start again."
        ) from None
    except OperationFailure as exc:
        raise SettingsError(_refusal(database.name, exc)) from exc


def _refusal(database: str, failure: OperationFailure) -> str:
    if failure.code in _UNAUTHORIZED:
        return f"MONGODB_URL: its user may not use the database {database!r}: check user, password and authSource."
    name = (failure.details or {}).get("codeName", "error")
    return (
        f"MONGODB_DATABASE {database!r} cannot be used ({name}, code {failure.code}): if an index of the collection "
        f"{UserDocument.Settings.name!r} has another definition than this release's, drop that index and start again."
    )
