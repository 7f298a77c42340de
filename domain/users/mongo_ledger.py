"""The ledger in MongoDB: one small document a key, changed by compare-and-set on its revision."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError, PyMongoError

from domain.errors import StoreUnavailable
from domain.users.ledger import Entry
from domain.users.mongo_database import MongoDatabase, Stored, is_there
from domain.users.mongo_filter import Query, every, prefix_range


class MongoLedger:
    """See ledger.Ledger."""

    def __init__(self, database: MongoDatabase) -> None:
        self._entries = database.ledger
        self._calls = database.calls

    async def read(self, key: str) -> Entry | None:
        document = await self._stored(key)
        return None if document is None else _entry(document)

    async def write(self, key: str, value: Mapping[str, Any], *, expected: int) -> bool:
        write_id = secrets.token_hex(8)
        document = {"_id": key, "value": dict(value), "revision": expected + 1, "writeId": write_id}
        try:
            if expected == 0:
                await self._calls.run(self._entries.insert_one(document))
                return True
            result = await self._calls.run(self._entries.replace_one({"_id": key, "revision": expected}, document))
        except DuplicateKeyError:
            return await is_there(self._calls, self._entries, key, write_id)
        except PyMongoError as exc:
            return await self._settled(key, write_id, expected, exc)
        return result.matched_count == 1 or await is_there(self._calls, self._entries, key, write_id)

    async def entries(self, prefix: str, after: str | None, limit: int) -> Sequence[Entry]:
        beyond: Query = {} if after is None else {"_id": {"$gt": after}}
        query = every([{"_id": prefix_range(prefix)}, beyond])
        found = self._entries.find(query, sort=[("_id", ASCENDING)], limit=limit)
        documents = await self._calls.read(found.to_list())
        return [_entry(document) for document in documents]

    async def remove(self, key: str) -> None:
        await self._calls.read(self._entries.delete_one({"_id": key}))

    async def _stored(self, key: str) -> Stored | None:
        return await self._calls.read(self._entries.find_one({"_id": key}))

    async def _settled(self, key: str, write_id: str, expected: int, failure: PyMongoError) -> bool:
        """Whether a write without an answer is there. It stays unknown while it could still arrive."""
        document = await self._stored(key)
        if document is not None and document["writeId"] == write_id:
            return True
        if (document["revision"] if document else 0) == expected:
            raise StoreUnavailable from failure
        return False


def _entry(document: Stored) -> Entry:
    return Entry(document["_id"], document["value"], document["revision"])
