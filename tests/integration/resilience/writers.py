"""Clients that write all the time and remember, outside of the system, what they were told."""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from tests.integration.resilience.account import Account, State
from tests.integration.resilience.api import Api

_RESULT = "{ user { id version } userErrors { code message field } }"
_CREATE = f"mutation($input: CreateUserInput!) {{ result: createUser(input: $input) {_RESULT} }}"
_UPDATE = f"mutation($input: UpdateUserInput!) {{ result: updateUser(input: $input) {_RESULT} }}"
_DELETE = f"mutation($input: DeleteUserInput!) {{ result: deleteUser(input: $input) {_RESULT} }}"

_PAUSE = 0.02  # seconds between a writer's writes
_BACKOFF = 0.1
_UNAVAILABLE = "STORE_UNAVAILABLE"


class Refused(Exception):
    """The API answered a proper write with something that no failure of a process explains."""


class Writers:
    """`account` is what the store owes them; `times` when acknowledged writes were begun (monotonic seconds)."""

    def __init__(self, api: Api, count: int) -> None:
        self._api = api
        self._count = count
        self.account = Account()
        self.times: list[float] = []
        self._newest: str | None = None

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write until exit; raises what a writer has met that must not be."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                group.create_task(_Writer(self, self._api, number).run(stop))
            try:
                yield
            finally:
                stop.set()

    def changed(self, id: str) -> None:
        """Remember who was changed last."""
        self._newest = id

    def is_deleted(self, id: str) -> bool:
        return self.account.acknowledged[id].text is None

    def newest(self) -> tuple[str, int] | None:
        """The user that was changed last, and its version; nothing if it was deleted, or nobody was changed."""
        if self._newest is None or self.is_deleted(self._newest):
            return None
        return self._newest, self.account.acknowledged[self._newest].version

    def since(self, moment: float) -> int:
        """How many acknowledged writes were begun after that moment."""
        return sum(begun > moment for begun in self.times)


class _Writer:
    """Creates, changes and deletes users of its own."""

    def __init__(self, writers: Writers, api: Api, number: int) -> None:
        self._writers = writers
        self._account = writers.account
        self._api = api
        self._number = number
        self._random = random.Random(number)
        self._live: list[str] = []

    async def run(self, stop: asyncio.Event) -> None:
        for turn in itertools.count():
            if stop.is_set():
                return
            choice = self._random.random()
            if choice < 0.3 or not self._live:
                done = await self._create(f"writer{self._number}-{turn}")
            elif choice < 0.9:
                done = await self._write(self._random.choice(self._live), f"Text {turn}")
            else:
                done = await self._write(self._random.choice(self._live), None)
            await asyncio.sleep(_PAUSE if done else _BACKOFF)

    async def _create(self, username: str) -> bool:
        begun = time.monotonic()
        self._account.unknown_creations.add(username)
        try:
            user = await self._send(_CREATE, {"username": username, "displayName": username})
        except httpx.ConnectError:
            self._account.unknown_creations.remove(username)
            return False
        if user is None:
            return False
        self._account.unknown_creations.remove(username)
        self._live.append(user["id"])
        self._acknowledge(user["id"], State(user["version"], username), begun)
        return True

    async def _write(self, id: str, text: str | None) -> bool:
        """Change the text, or without one delete the user."""
        begun = time.monotonic()
        state = State(self._account.acknowledged[id].version + 1, text)
        query, change = (_DELETE, {}) if text is None else (_UPDATE, {"displayName": text})
        try:
            user = await self._send(query, {"id": id, **change})
        except httpx.ConnectError:
            return False
        if user is None or text is None:
            self._live.remove(id)
        if user is None:
            self._account.unknown[id] = state
            return False
        if user["version"] != state.version:
            raise Refused(f"{id} came to version {user['version']} by the write to {state.version}")
        self._acknowledge(id, state, begun)
        return True

    def _acknowledge(self, id: str, state: State, begun: float) -> None:
        self._account.acknowledged[id] = state
        self._writers.times.append(begun)
        self._writers.changed(id)

    async def _send(self, query: str, input: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answered user, or nothing if the outcome is unknown. Raises httpx.ConnectError (not sent), Refused."""
        try:
            answer = await self._api.call(query, {"input": input})
        except httpx.ConnectError:
            raise
        except httpx.HTTPError:
            return None
        result = (answer.get("data") or {}).get("result")
        if result and result["user"]:
            user: dict[str, Any] = result["user"]
            return user
        if [error["extensions"]["code"] for error in answer.get("errors", ())] == [_UNAVAILABLE]:
            return None
        raise Refused(f"{input}: {answer}")
