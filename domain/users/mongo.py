"""The user store in MongoDB: whole documents, written by compare-and-set on {_id, version}."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import bson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, DeleteOne, InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from domain.errors import BadInput, NotUnique, OutcomeUnknown, ServiceError, StoreUnavailable
from domain.users.fields import UNIQUE, Field
from domain.users.filter import Filter
from domain.users.model import Status, User, from_document, to_document
from domain.users.mongo_database import MongoDatabase, Stored, is_there, open_mongo
from domain.users.mongo_filter import NOT_DELETED, Query, every, page_query, page_sort, to_query
from domain.users.page import Order, Page, Window
from domain.users.store import Write

__all__ = ["MongoUserStore", "open_mongo", "to_user"]

BULK = 100
"""How many writes are sent at once: each such request is bounded by the store's time limit."""

MAX_BATCH = 1_000
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024

_DUPLICATE_KEY = 11000
_UNIQUE_BY_STORED_NAME: Mapping[str, str] = {"_id": "id"} | {field.compared: field.name for field in UNIQUE}

_Operation = Any
"""One of a bulk: the driver's type wants the collection's own documents, and these are encoded already."""


class MongoUserStore:
    """See store.UserStore."""

    def __init__(self, database: MongoDatabase) -> None:
        self._users = database.users
        self._calls = database.calls

    async def write(self, write: Write) -> bool:
        document = _to_stored(write.user)
        try:
            if write.expected is None:
                await self._calls.run(self._users.insert_one(document))
                return True
            expected = {"_id": write.user.id, "version": write.expected}
            result = await self._calls.run(self._users.replace_one(expected, document))
        except DuplicateKeyError as exc:
            failure = _not_unique(exc.details or {})
            if write.expected is None and await self._existing([write.user.id]):
                failure = NotUnique("id")
            raise failure from exc
        except PyMongoError as exc:
            raise OutcomeUnknown(write.user.id) from exc
        try:
            return result.matched_count == 1 or await is_there(
                self._calls, self._users, write.user.id, write.user.write_id
            )
        except StoreUnavailable as exc:
            raise OutcomeUnknown(write.user.id) from exc

    async def write_many(self, writes: Sequence[Write]) -> Sequence[bool | ServiceError]:
        results: list[bool | ServiceError] = []
        for start in range(0, len(writes), BULK):
            results.extend(await self._write_bulk(writes[start : start + BULK]))
        return results

    async def _write_bulk(self, writes: Sequence[Write]) -> Sequence[bool | ServiceError]:
        results: list[bool | ServiceError] = [True] * len(writes)
        operations: dict[int, _Operation] = {}
        for number, write in enumerate(writes):
            try:
                operations[number] = _operation(write)
            except ServiceError as exc:
                results[number] = exc
        if not operations:
            return results
        try:
            done = await self._calls.run(self._users.bulk_write(list(operations.values()), ordered=False))
            matched = done.matched_count
        except BulkWriteError as exc:
            matched = exc.details["nMatched"]
            errors = {error["index"]: error for error in exc.details["writeErrors"]}
            unconfirmed = bool(exc.details["writeConcernErrors"])
            for place, number in enumerate(operations):
                results[number] = _bulk_result(errors.get(place), unconfirmed, writes[number].user.id)
        except PyMongoError:
            for number in operations:
                results[number] = OutcomeUnknown(writes[number].user.id)
            return results
        return await self._looked_into(writes, results, matched)

    async def _looked_into(
        self, writes: Sequence[Write], results: Sequence[bool | ServiceError], matched: int
    ) -> Sequence[bool | ServiceError]:
        """The results with what a bulk's own does not tell: which replacements matched, which ids were taken."""
        numbered = list(enumerate(zip(writes, results, strict=True)))
        replaced = [n for n, (write, result) in numbered if write.expected is not None and result is True]
        refused = [n for n, (write, result) in numbered if write.expected is None and isinstance(result, NotUnique)]
        corrections = await self._settled(writes, replaced) if matched < len(replaced) else {}
        existing = await self._existing([writes[n].user.id for n in refused])
        corrections |= {n: NotUnique("id") for n in refused if writes[n].user.id in existing}
        return [corrections.get(n, result) for n, result in enumerate(results)]

    async def _existing(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of `ids` that exist: a refused insert may break several keys, and servers differ in which they name."""
        if not ids:
            return frozenset()
        try:
            found = await self._calls.read(self._users.find({"_id": {"$in": ids}}, {"_id": True}).to_list())
        except StoreUnavailable:
            return frozenset()  # the key that the server named stands
        return frozenset(document["_id"] for document in found)

    async def _settled(self, writes: Sequence[Write], replaced: Sequence[int]) -> dict[int, bool | ServiceError]:
        """Which replacements matched: a bulk's result has totals only, but every write has an id of its own.

        One that was at once replaced by a further write counts as lost: repeating it is what its caller then does.
        """
        ids = [writes[number].user.id for number in replaced]
        try:
            found = await self._calls.read(self._users.find({"_id": {"$in": ids}}, {"writeId": True}).to_list())
        except StoreUnavailable:
            return {number: OutcomeUnknown(writes[number].user.id) for number in replaced}
        write_ids = {document["_id"]: document.get("writeId") for document in found}
        return {number: write_ids.get(writes[number].user.id) == writes[number].user.write_id for number in replaced}

    async def get(self, ids: Sequence[str]) -> Mapping[str, User]:
        users = await self._find({"_id": {"$in": list(ids)}})
        return {user.id: user for user in users}

    async def find(self, field: Field, keys: Sequence[str]) -> Mapping[str, User]:
        documents = await self._calls.read(self._users.find({field.compared: {"$in": list(keys)}}).to_list())
        return {document[field.compared]: to_user(document) for document in documents}

    async def page(self, filter: Filter, order: Order, window: Window) -> Page:
        sort = page_sort(order, backward=window.backward)
        users = await self._find(page_query(filter, order, window), sort, window.limit + 1)
        more = len(users) > window.limit
        users = users[: window.limit]
        return Page(users[::-1] if window.backward else users, more)

    async def count(self, filter: Filter) -> int:
        return await self._calls.read(self._users.count_documents(every([to_query(filter), NOT_DELETED])))

    async def scan(self, after: str | None, limit: int) -> Sequence[User]:
        beyond: Query = {} if after is None else {"_id": {"$gt": after}}
        return await self._find(every([beyond, NOT_DELETED]), [("_id", ASCENDING)], limit)

    async def remove_tombstones(self, before: datetime, limit: int) -> int:
        expired = {"status": Status.DELETED.value, "statusChangedAt": {"$lt": before}}
        found = await self._calls.read(self._users.find(expired, {"version": True}, limit=limit).to_list())
        if not found:
            return 0
        removals = [DeleteOne(tombstone) for tombstone in found]
        result = await self._calls.read(self._users.bulk_write(removals, ordered=False))
        return result.deleted_count

    async def ping(self) -> None:
        await self._calls.read(self._users.database.command("ping"))

    async def _find(self, query: Query, sort: list[tuple[str, int]] | None = None, limit: int = 0) -> list[User]:
        # One batch: the default first one ends after 101 documents.
        documents = await self._calls.read(
            self._users.find(query, sort=sort, limit=limit, batch_size=limit or MAX_BATCH).to_list()
        )
        return [to_user(document) for document in documents]


def to_user(document: Stored) -> User:
    """The user of a stored document."""
    return from_document({"id" if name == "_id" else name: value for name, value in document.items()})


def _to_stored(user: User) -> RawBSONDocument:
    """The document, encoded once. Raises NewerSchema, and BadInput for a value that BSON cannot hold."""
    document = to_document(user)
    try:
        encoded = bson.encode({"_id": document.pop("id"), **document})
    except (BSONError, OverflowError, ValueError) as exc:
        raise BadInput("A value of the user cannot be stored.") from exc
    if len(encoded) > MAX_DOCUMENT_BYTES:
        raise BadInput("The user is too large to be stored.")
    return RawBSONDocument(encoded)


def _operation(write: Write) -> _Operation:
    document = _to_stored(write.user)
    if write.expected is None:
        return InsertOne(document)
    return ReplaceOne({"_id": write.user.id, "version": write.expected}, document)


def _bulk_result(error: Mapping[str, Any] | None, unconfirmed: bool, id: str) -> bool | ServiceError:
    """The result of one write of a bulk that failed in part; `unconfirmed` if a majority did not acknowledge it."""
    if error is None:
        return OutcomeUnknown(id) if unconfirmed else True
    return _not_unique(error) if error["code"] == _DUPLICATE_KEY else OutcomeUnknown(id)


def _not_unique(error: Mapping[str, Any]) -> ServiceError:
    """Whose key was taken. An index that is not ours is nothing that a caller could mend."""
    name = next(iter(error.get("keyPattern", ())), "")
    if name not in _UNIQUE_BY_STORED_NAME:
        return StoreUnavailable(f"A unique index on {name!r}, which is not this service's, refuses the user.")
    return NotUnique(_UNIQUE_BY_STORED_NAME[name])
