"""Clients at full speed, on users of their own and on users whom all of them change; every call goes to the history."""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.api import Api
from tests.chaos.history import Call, History, Op, Outcome

_RESULT = "{ user { id version } userErrors { code message field } }"
_QUERIES: Mapping[Op, str] = {
    Op.CREATE: f"mutation($input: CreateUserInput!) {{ result: createUser(input: $input) {_RESULT} }}",
    Op.UPDATE: f"mutation($input: UpdateUserInput!) {{ result: updateUser(input: $input) {_RESULT} }}",
    Op.DELETE: f"mutation($input: DeleteUserInput!) {{ result: deleteUser(input: $input) {_RESULT} }}",
    Op.READ: "query($id: ID!) { result: user(id: $id) { id version displayName } }",
}
_ANSWERS: Mapping[str, Outcome] = {"CONFLICT": Outcome.CONFLICT, "NOT_FOUND": Outcome.GONE}

BACKOFF_SECONDS = 0.05
OWN_USERS = 50
"""How many a client keeps writing to; it forgets older ones."""

CONTENDED_USERS = 8
CONTENDED_CALLS = 100
"""After so many calls another user is contended for: a judge's work grows faster than a history."""


class Refused(Exception):
    """The API answered a proper call with something that no failure of a process explains."""


class Client:
    """Makes calls, one after the other, and records them."""

    def __init__(self, number: int, api: Api, history: History) -> None:
        self.number = number
        self._api = api
        self._history = history

    async def create(self, name: str) -> Call | None:
        return await self._call(Op.CREATE, "", 0, name, {"input": {"username": name, "displayName": name}})

    async def update(self, id: str, text: str, expected: int = 0) -> Call | None:
        return await self._call(
            Op.UPDATE, id, expected, text, {"input": {"id": id, "displayName": text, **_expecting(expected)}}
        )

    async def delete(self, id: str, expected: int = 0) -> Call | None:
        return await self._call(Op.DELETE, id, expected, None, {"input": {"id": id, **_expecting(expected)}})

    async def read(self, id: str) -> Call | None:
        return await self._call(Op.READ, id, 0, None, {"id": id})

    async def _call(
        self, op: Op, id: str, expected: int, text: str | None, variables: Mapping[str, Any]
    ) -> Call | None:
        """What is known of the call afterwards; nothing if it never left. Raises Refused."""
        start = time.monotonic_ns()
        try:
            answer = await self._api.call(_QUERIES[op], variables)
        except httpx.ConnectError:
            return None
        except httpx.HTTPError:
            answer = None
        end = time.monotonic_ns()
        outcome, user = (Outcome.UNKNOWN, None) if answer is None else _judged(op, answer)
        if user is not None:
            id, text = user["id"], user.get("displayName", text)
        call = Call(self.number, op, id, expected, user["version"] if user else 0, text, outcome, start, end)
        self._history.add(call)
        return call


def _expecting(version: int) -> Mapping[str, int]:
    return {"expectedVersion": version} if version else {}


def _judged(op: Op, answer: Mapping[str, Any]) -> tuple[Outcome, Mapping[str, Any] | None]:
    """The outcome that an answer tells, and the user in it."""
    errors = [error["extensions"]["code"] for error in answer.get("errors", ())]
    if errors:
        if errors == ["STORE_UNAVAILABLE"]:
            return Outcome.UNKNOWN, None
        raise Refused(str(answer))
    result = answer["data"]["result"]
    if op is Op.READ:
        return Outcome.OK, result
    if result["user"]:
        return Outcome.OK, result["user"]
    codes = {error["code"] for error in result["userErrors"]}
    for code in codes & _ANSWERS.keys():
        return _ANSWERS[code], None
    raise Refused(str(answer))


@dataclass
class Contended:
    """The users over whom clients contend, with the number of calls that each may still get."""

    calls: dict[str, int] = field(default_factory=dict)

    def take(self, draw: random.Random) -> str | None:
        """One of them; nothing if there should be one more first."""
        if len(self.calls) < CONTENDED_USERS:
            return None
        id = draw.choice(list(self.calls))
        self.calls[id] -= 1
        if self.calls[id] == 0:
            del self.calls[id]
        return id


class Clients:
    """`count` clients, seeded by `seed`; `history` is what they were told."""

    def __init__(self, api: Api, history: History, *, count: int, seed: int) -> None:
        self.history = history
        self._contended = Contended()
        self._writers = [
            _Writer(Client(number, api, history), self._contended, random.Random(f"{seed}/{number}"))
            for number in range(count)
        ]

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write until exit; raises what a client has met that must not be."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for writer in self._writers:
                group.create_task(writer.run(stop))
            try:
                yield
            finally:
                stop.set()


class _Writer:
    """What one client does: mostly writes, without a pause unless there is no answer."""

    def __init__(self, client: Client, contended: Contended, draw: random.Random) -> None:
        self._client = client
        self._contended = contended
        self._random = draw
        self._own: list[str] = []
        self._seen: dict[str, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        for turn in itertools.count():
            if stop.is_set():
                return
            text = f"client{self._client.number}-{turn}"
            contended = self._random.random() < 0.3
            call = await (self._contend(text) if contended else self._write_own(text))
            if call is None or call.outcome is Outcome.UNKNOWN:
                await asyncio.sleep(BACKOFF_SECONDS)

    async def _write_own(self, text: str) -> Call | None:
        """A write that expects no version; without any idea of the outcome the user is left alone."""
        choice = self._random.random()
        if choice < 0.15 or not self._own:
            call = await self._client.create(text)
            if call and call.acknowledged:
                self._own = [*self._own[-OWN_USERS + 1 :], call.user]
            return call
        id = self._random.choice(self._own)
        call = await (self._client.delete(id) if choice > 0.92 else self._client.update(id, text))
        if call and (call.op is Op.DELETE or call.outcome is not Outcome.OK):
            self._own.remove(id)
        return call

    async def _contend(self, text: str) -> Call | None:
        """A read, or a write that insists on the version that this client has seen last."""
        id = self._contended.take(self._random)
        if id is None:
            call = await self._client.create(text)
            if call and call.acknowledged:
                self._contended.calls[call.user] = CONTENDED_CALLS
            return call
        choice, seen = self._random.random(), self._seen.pop(id, 0)
        if choice < 0.4 or not seen:
            call = await self._client.read(id)
        elif choice < 0.98:
            call = await self._client.update(id, text, seen)
        else:
            call = await self._client.delete(id, seen)
        if call and call.outcome is Outcome.OK and call.version:
            self._seen[id] = call.version
        return call
