"""The change feed of MongoDB: a change stream, whose resume tokens are the positions."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import Timestamp, json_util
from bson.errors import BSONError
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from domain.errors import PositionLost, ServiceError, StoreUnavailable, UnreadableUser
from domain.users.feed import Change, Changes
from domain.users.mongo import to_user
from domain.users.mongo_database import Calls, MongoDatabase, Stored

BUFFERED = 500
"""How many changes are read ahead; a slow reader slows the stream."""

MAX_AWAIT = timedelta(seconds=1)
"""How long the server may hold a request while there is no change: how often a quiet position moves on."""

ASK_SECONDS = 0.5
"""How often a busy stream asks the server for its operation time."""

COUNTED = 100_000
"""The most changes that are counted behind the stream."""

_WRITES = frozenset({"insert", "replace"})
_ENDS = frozenset({"drop", "rename", "dropDatabase", "invalidate"})
_POSITION_ERRORS = frozenset(
    {
        9,  # FailedToParse: no resume token
        14,  # TypeMismatch: likewise
        260,  # InvalidResumeToken
        280,  # ChangeStreamFatalError: the token's change is not in the log
        286,  # ChangeStreamHistoryLost: the log no longer reaches back to it
        40647,  # the token's data is missing or of the wrong type
        40649,  # the token's data is not hexadecimal
        50811,  # the token's data cannot be decoded
    }
)

_Token = Mapping[str, Any]


class MongoChangeFeed:
    """See feed.ChangeFeed. A position is the JSON text of a resume token."""

    def __init__(self, database: MongoDatabase) -> None:
        self._users = database.users
        self._calls = database.calls
        self._max_await = min(MAX_AWAIT, database.timeout / 2)

    async def now(self) -> str:
        return json_util.dumps(await self._calls.read(self._present()))

    @asynccontextmanager
    async def follow(self, position: str) -> AsyncIterator["MongoFeedReader"]:
        reader = MongoFeedReader(self._users, self._calls, _token(position), self._max_await)
        self._calls.start(reader.pump())
        try:
            await reader.opened()
            yield reader
        finally:
            reader.stop()

    async def _present(self) -> _Token:
        async with await self._users.watch(max_await_time_ms=1) as stream:
            # The answer to the opening already has a token; older servers give it with the first batch.
            while (token := stream.resume_token) is None:
                await stream.try_next()
            return token


class MongoFeedReader:
    """See feed.FeedReader.

    The stream is read by a task of its own, because a request to it cannot be abandoned when a read's time is up.
    """

    def __init__(self, users: AsyncCollection[Stored], calls: Calls, token: _Token, max_await: timedelta) -> None:
        self._users = users
        self._max_await_ms = max(1, round(max_await.total_seconds() * 1000))
        self._queue: asyncio.Queue[_Told | None] = asyncio.Queue(BUFFERED)
        """None where the stream failed."""
        self._reached = token
        """The position that the stream has reached: all before it is, or was, in the queue."""
        self._clock = _StreamClock(users.database)
        self._opened = asyncio.Event()
        self._failure: Exception | None = None
        self._stopped = False
        self._calls = calls
        self._newest: datetime | None = None
        """When the last updated user that the stream has told was updated."""

    async def opened(self) -> None:
        """Wait until the stream is open. Raises PositionLost, StoreUnavailable."""
        await self._opened.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Let the task end after the request it is in."""
        self._stopped = True
        while not self._queue.empty():
            self._queue.get_nowait()

    async def read(self, limit: int, wait: float) -> Changes:
        taken = await self._take(limit, wait)
        newest: dict[str, Change] = {}
        for told in taken:
            newest.pop(told.change.id, None)
            newest[told.change.id] = told.change
        if self._queue.empty():
            return Changes(list(newest.values()), json_util.dumps(self._reached), self._clock.as_of)
        return Changes(list(newest.values()), json_util.dumps(taken[-1].token), taken[-1].as_of)

    async def lag(self) -> int:
        """What the stream has told and nobody has read, and how many users are newer than the newest of that.

        A user who was written twice counts once; up to COUNTED of them, over the index by which users are listed.
        """
        waiting = self._queue.qsize()
        if self._newest is None:
            return waiting
        newer = {"updatedAt": {"$gt": self._newest}}
        return waiting + await self._calls.read(self._users.count_documents(newer, limit=COUNTED))

    async def _take(self, limit: int, wait: float) -> list["_Told"]:
        """What is in the queue, at most `limit`; only for the first one is waited."""
        taken: list[_Told] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                taken.append(self._or_raise(await self._queue.get()))
        while len(taken) < limit and not self._queue.empty():
            taken.append(self._or_raise(self._queue.get_nowait()))
        return taken

    def _or_raise(self, item: "_Told | None") -> "_Told":
        if item is None:
            self._queue.put_nowait(None)  # who reads on meets it again, not a silence
            raise self._failure or StoreUnavailable
        return item

    async def pump(self) -> None:
        """Move the stream's changes into the queue until it fails or is stopped."""
        try:
            await self._move_changes()
            self._failure = StoreUnavailable()
        except PyMongoError as exc:
            self._failure = _failure(exc)
        except Exception as exc:  # a reader must hear of anything that stops its changes
            self._failure = exc
        self._opened.set()
        await self._queue.put(None)

    async def _move_changes(self) -> None:
        async with await self._users.watch(
            resume_after=self._reached, max_await_time_ms=self._max_await_ms, batch_size=BUFFERED
        ) as stream:
            self._opened.set()
            while stream.alive and not self._stopped:
                asked_at = time.monotonic()
                event = await stream.try_next()
                token = stream.resume_token or self._reached
                change = None if event is None else _change(event)
                await self._clock.heard(event, asked_at)
                if event is not None and change is not None:
                    self._note_newest(event["fullDocument"].get("updatedAt"))
                    await self._queue.put(_Told(change, token, self._clock.as_of))
                self._reached = token

    def _note_newest(self, updated_at: object) -> None:
        """Writers' clocks differ, so a later change may be of an earlier time."""
        if isinstance(updated_at, datetime):
            self._newest = max(updated_at, self._newest or updated_at)


@dataclass(frozen=True, slots=True)
class _Told:
    """A change, the position after it, and as of when nothing is missing with it (see feed.Changes)."""

    change: Change
    token: _Token
    as_of: float | None


class _StreamClock:
    """As of when (time.monotonic) the stream has told everything, also while it never falls silent.

    Events come in the order of the server's operation time: once one is later than the operation time of a moment,
    all that was acknowledged before that moment has come.
    https://www.mongodb.com/docs/manual/core/read-isolation-consistency-recency/#operation-time
    """

    def __init__(self, database: AsyncDatabase[Stored]) -> None:
        self._database = database
        self._asked_at = 0.0
        self._operation_time: Timestamp | None = None
        self.as_of: float | None = None

    async def heard(self, event: Stored | None, asked_at: float) -> None:
        """The server has answered what it was asked at `asked_at` with `event`, or that there is nothing."""
        if event is None:
            self.as_of, self._operation_time = asked_at, None
            return
        if self._operation_time is not None and event["clusterTime"] > self._operation_time:
            self.as_of, self._operation_time = self._asked_at, None
        if self._operation_time is None and time.monotonic() - self._asked_at > ASK_SECONDS:
            self._asked_at = time.monotonic()
            answer = await self._database.command("ping")
            self._operation_time = answer.get("operationTime")


def _token(position: str) -> _Token:
    try:
        token = json_util.loads(position)
    except (ValueError, TypeError, BSONError):
        token = None
    if not isinstance(token, dict) or not token:
        raise PositionLost("it is no position of this feed")
    return token


def _change(event: Stored) -> Change | None:
    """What an event says about a user; None for the removal of a tombstone. Raises PositionLost at a stream's end."""
    operation = event["operationType"]
    if operation in _ENDS:
        raise PositionLost(f"the users were removed as a whole: {operation}")
    if operation not in _WRITES:
        return None
    at = event["wallTime"] if "wallTime" in event else event["clusterTime"].as_datetime()
    try:
        user = to_user(event["fullDocument"])
    except UnreadableUser as exc:
        return Change(exc.id, exc.version, None, at, unreadable=exc.reason)
    return Change(user.id, user.version, None if user.deleted else user, at)


def _failure(exc: PyMongoError) -> ServiceError:
    if isinstance(exc, OperationFailure) and exc.code in _POSITION_ERRORS:
        return PositionLost((exc.details or {}).get("errmsg") or f"error {exc.code}")
    return StoreUnavailable()
