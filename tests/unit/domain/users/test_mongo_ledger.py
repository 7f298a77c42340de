"""Writes that the driver repeats."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pymongo.errors import DuplicateKeyError

from domain.users.mongo_database import Calls, MongoDatabase
from domain.users.mongo_ledger import MongoLedger


class Repeating:
    """A collection that answers a write's repetition: the first attempt is there if `ours`, else another writer's."""

    def __init__(self, *, ours: bool) -> None:
        self._ours = ours
        self._stored: dict[str, Any] = {}

    def _keep(self, document: dict[str, Any]) -> None:
        self._stored = document if self._ours else document | {"writeId": "another"}

    async def insert_one(self, document: dict[str, Any]) -> None:
        self._keep(document)
        raise DuplicateKeyError("E11000", 11000)

    async def replace_one(self, _: dict[str, Any], document: dict[str, Any]) -> SimpleNamespace:
        self._keep(document)
        return SimpleNamespace(matched_count=0)

    async def find_one(self, *_: object) -> dict[str, Any]:
        return self._stored


@pytest.mark.parametrize("expected", [0, 1])
@pytest.mark.parametrize("ours", [True, False])
async def test_what_is_in_a_repeated_writes_way_may_be_its_first_attempt(expected: int, ours: bool) -> None:
    collection = cast("Any", Repeating(ours=ours))
    ledger = MongoLedger(MongoDatabase(collection, collection, Calls(), timedelta(seconds=1)))
    assert await ledger.write("key", {}, expected=expected) is ours
