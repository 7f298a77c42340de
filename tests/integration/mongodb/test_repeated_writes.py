"""The driver repeats a write whose answer was lost; a server that forgot the first one in a crash says: no match."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from domain.users.editing import tombstone
from domain.users.mongo import MongoUserStore, open_mongo
from domain.users.service import UserService
from domain.users.store import Write
from tests.contract.users.users import T0, a_user


class Repeating:
    """A collection, as one that the driver repeats every replacement to."""

    def __init__(self, users: Any) -> None:
        self._users = users

    def __getattr__(self, name: str) -> Any:
        return getattr(self._users, name)

    async def replace_one(self, *args: Any) -> Any:
        await self._users.replace_one(*args)
        return await self._users.replace_one(*args)


async def test_what_the_first_attempt_wrote_is_not_a_lost_race(mongodb_url: str) -> None:
    async with open_mongo(mongodb_url, f"t{uuid4().hex}", timeout=timedelta(seconds=10)) as database:
        store = MongoUserStore(database)
        users: Any = Repeating(store._users)
        store._users = users
        user = a_user()
        await store.write(Write(user))
        changed = replace(user, version=2, write_id="second")
        assert await store.write(Write(changed, expected=1))
        assert not await store.write(Write(replace(user, version=2, write_id="other"), expected=1))
        assert await store.write(Write(tombstone(changed, write_id="third", at=T0), expected=2))


async def test_a_deletion_is_acknowledged_and_an_update_is_made_once(mongodb_url: str) -> None:
    async with open_mongo(mongodb_url, f"t{uuid4().hex}", timeout=timedelta(seconds=10)) as database:
        store = MongoUserStore(database)
        users: Any = Repeating(store._users)
        store._users = users
        service = UserService(store)
        user = await service.create({"username": "repeated"})
        assert (await service.update(user.id, {"displayName": "Once"})).version == 2
        assert (await service.delete(user.id)).version == 3
