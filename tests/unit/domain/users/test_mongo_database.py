"""What a start refuses, which indexes there are, and calls that outlive their caller."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from domain.errors import OutOfReach, SettingsError, StoreUnavailable
from domain.users.fields import UNIQUE
from domain.users.mongo_database import Calls, Stored, UserDocument, _prepare, open_mongo


def a_database(answer: Exception | dict[str, Any]) -> AsyncDatabase[Stored]:
    """A database whose server answers `hello` with `answer`."""

    async def command(name: str) -> dict[str, Any]:
        assert name == "hello"
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = SimpleNamespace(admin=SimpleNamespace(command=command))
    return cast("AsyncDatabase[Stored]", SimpleNamespace(client=client, name="users"))


async def test_a_server_that_is_no_replica_set_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^MONGODB_URL leads to .* start mongod with --replSet rs0, run rs.init"):
        await _prepare(a_database({"isWritablePrimary": True}))


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (ServerSelectionTimeoutError("refused"), "MONGODB_URL: no primary of a replica set answered"),
        (OperationFailure("Authentication failed.", 18), "MONGODB_URL: its user may not use the database 'users'"),
        (OperationFailure("x", 86, {"codeName": "IndexKeySpecsConflict"}), "IndexKeySpecsConflict, code 86.*drop that"),
        (DuplicateKeyError("E11000", 11000, {"keyPattern": {"emailKey": 1}}), "share a unique value.*emailKey"),
    ],
)
async def test_a_failure_at_the_start_says_what_to_do(failure: PyMongoError, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        await _prepare(a_database(failure))


async def test_a_server_that_does_not_answer_is_out_of_reach() -> None:
    with pytest.raises(OutOfReach):
        await _prepare(a_database(ServerSelectionTimeoutError("refused")))


async def test_a_value_that_two_users_share_is_not_told() -> None:
    details = {"keyPattern": {"emailKey": 1}, "keyValue": {"emailKey": "ann@example.org"}}
    with pytest.raises(SettingsError) as refused:
        await _prepare(a_database(DuplicateKeyError("E11000 ann@example.org", 11000, details)))
    assert "ann" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("url", ["", "http://host", "mongodb://u:se/cret@host:1/", "mongodb://u:cret@x@host"])
async def test_a_malformed_url_is_refused_without_telling_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^MONGODB_URL is not a connection string") as refused:
        async with open_mongo(url, "users", timeout=timedelta(seconds=1)):
            pass
    assert "cret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_unique_keys_are_checked_in_the_order_in_which_they_are_reported() -> None:
    documents = [index.document for index in UserDocument.Settings.indexes]
    unique = [document for document in documents if document.get("unique")]
    assert documents[: len(unique)] == unique
    assert [list(document["key"]) for document in unique] == [[field.compared] for field in UNIQUE]
    assert all(document["sparse"] for document in unique)


def test_orders_and_selective_filters_have_an_index_that_ends_with_the_id() -> None:
    keys = [tuple(index.document["key"]) for index in UserDocument.Settings.indexes][len(UNIQUE) :]
    assert {("usernameKey", "_id"), ("createdAt", "_id"), ("roles", "_id"), ("phone", "_id")} <= set(keys)
    assert not {("_id", "_id"), ("locale", "_id"), ("attributes", "_id"), ("emailVerified", "_id")} & set(keys)


async def test_a_call_outlives_its_cancelled_caller_and_is_waited_for_at_the_end() -> None:
    calls, go, done = Calls(), asyncio.Event(), asyncio.Event()

    async def call() -> None:
        await go.wait()
        done.set()

    caller = asyncio.create_task(calls.run(call()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not done.is_set()
    go.set()
    await calls.finish()
    assert done.is_set()


async def test_only_reads_turn_the_drivers_errors_into_ours() -> None:
    async def call() -> None:
        raise PyMongoError("lost")

    with pytest.raises(StoreUnavailable):
        await Calls().read(call())
    with pytest.raises(PyMongoError, match="lost"):
        await Calls().run(call())
