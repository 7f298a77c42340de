"""The change feed of MongoDB: a change stream, whose resume tokens are the positions."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from bson import json_util
from bson.errors import BSONError
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure, PyMongoError

from domain.errors import PositionLost, ServiceError, StoreUnavailable
from domain.users.feed import Change, Changes
from domain.users.model import User
from domain.users.mongo import to_user
from domain.users.mongo_database import MongoDatabase, Stored

BUFFERED = 500
"""How many changes are read ahead; a slow reader slows the stream."""

MAX_AWAIT = timedelta(seconds=1)
"""How long the server may hold a request while there is no change: how often a quiet position moves on."""

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
        reader = MongoFeedReader(self._users, _token(position), self._max_await)
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

    def __init__(self, users: AsyncCollection[Stored], token: _Token, max_await: timedelta) -> None:
        self._users = users
        self._max_await_ms = max(1, round(max_await.total_seconds() * 1000))
        self._queue: asyncio.Queue[tuple[Change, _Token] | None] = asyncio.Queue(BUFFERED)
        """Changes, each with the position after it; None where the stream failed."""
        self._reached = token
        """The position that the stream has reached: all before it is, or was, in the queue."""
        self._as_of: float | None = None
        """All that was acknowledged before this moment is, or was, in the queue."""
        self._opened = asyncio.Event()
        self._failure: Exception | None = None
        self._stopped = False

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
        for change, _ in taken:
            newest.pop(change.id, None)
            newest[change.id] = change
        is_all = self._queue.empty()
        position = self._reached if is_all else taken[-1][1]
        return Changes(list(newest.values()), json_util.dumps(position), self._as_of if is_all else None)

    async def _take(self, limit: int, wait: float) -> list[tuple[Change, _Token]]:
        """What is in the queue, at most `limit`; only for the first one is waited."""
        taken: list[tuple[Change, _Token]] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                taken.append(self._or_raise(await self._queue.get()))
        while len(taken) < limit and not self._queue.empty():
            taken.append(self._or_raise(self._queue.get_nowait()))
        return taken

    def _or_raise(self, item: tuple[Change, _Token] | None) -> tuple[Change, _Token]:
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
                if change is not None:
                    await self._queue.put((change, token))
                self._reached = token
                if event is None:
                    self._as_of = asked_at


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
    user: User = to_user(event["fullDocument"])
    at = event["wallTime"] if "wallTime" in event else event["clusterTime"].as_datetime()
    return Change(user.id, user.version, None if user.deleted else user, at)


def _failure(exc: PyMongoError) -> ServiceError:
    if isinstance(exc, OperationFailure) and exc.code in _POSITION_ERRORS:
        return PositionLost((exc.details or {}).get("errmsg") or f"error {exc.code}")
    return StoreUnavailable()
