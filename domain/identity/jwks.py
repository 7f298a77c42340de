"""Where the issuer's keys come from: given once, a file, or a URL; kept, and read again when that may help."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import httpx

from domain.identity.keys import KeysUnavailable, VerificationKey, matching, parse_keys

Load = Callable[[], Awaitable[bytes]]
"""Reads a JWKS document. Raises KeysUnavailable."""

MAX_DOCUMENT_BYTES = 1_048_576
FETCH_TIMEOUT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """For operators: how many keys are held, since when (None: never had any), and the last attempt's error.

    `reads` and `failures` count the attempts to read them that succeeded and failed.
    """

    count: int
    age: timedelta | None
    error: str | None
    reads: int = 0
    failures: int = 0


class KeySource(Protocol):
    @property
    def generation(self) -> int:
        """Another number once the keys are not the same ones."""
        ...

    def start(self) -> None:
        """Reads the keys now and then in the background from here on, if they can change; never waits or fails."""
        ...

    async def find(self, kid: str | None) -> Sequence[VerificationKey]:
        """The keys with that `kid`, or the only one for None; empty if unknown. Raises KeysUnavailable."""
        ...

    def status(self) -> KeyStatus: ...

    async def aclose(self) -> None: ...


class StaticKeys:
    """Keys that never change."""

    generation = 0

    def __init__(self, keys: Sequence[VerificationKey]) -> None:
        self._keys = keys
        self._since = time.monotonic()

    def start(self) -> None:
        """There is nothing to read."""

    async def find(self, kid: str | None) -> Sequence[VerificationKey]:
        return matching(self._keys, kid)

    def status(self) -> KeyStatus:
        return KeyStatus(len(self._keys), timedelta(seconds=time.monotonic() - self._since), None)

    async def aclose(self) -> None:
        """Nothing is open."""


class LoadedKeys:
    """Keys read by `load` and kept: the last good ones serve for as long as nothing newer can be read.

    They are read again, in the background, when older than `refresh_every` (after `start`, also while nobody calls, so
    that a key that was taken out ends with or without traffic), and at once for an unknown `kid` (the issuer may
    have a new key). Attempts are `retry_every` apart, a second while there are no keys at all; all callers share one.
    """

    def __init__(
        self,
        load: Load,
        *,
        refresh_every: timedelta = timedelta(minutes=5),
        retry_every: timedelta = timedelta(seconds=10),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._refresh_every = refresh_every.total_seconds()
        self._retry_every = retry_every.total_seconds()
        self._monotonic = monotonic
        self.generation = 0
        self._keys: Sequence[VerificationKey] = ()
        self._loaded_at: float | None = None
        self._tried_at: float | None = None
        self._error: KeysUnavailable | None = None
        self._loading: asyncio.Task[None] | None = None
        self._rounds: asyncio.Task[None] | None = None
        self._reads = 0
        self._failures = 0

    def start(self) -> None:
        if self._rounds is None:
            self._rounds = asyncio.create_task(self._keep_reading())

    async def find(self, kid: str | None) -> Sequence[VerificationKey]:
        if not self._keys:
            await self.refresh()
        if not self._keys:
            raise KeysUnavailable(self._error.reason if self._error else "not read yet")
        found = matching(self._keys, kid)
        if not found and kid is not None:
            await self.refresh()
            return matching(self._keys, kid)
        if self._age() > self._refresh_every:
            self._start()
        return found

    async def refresh(self) -> None:
        """Joins the attempt under way or makes one, if the last one is long enough ago; `status` has the outcome."""
        task = self._start()
        if task is not None:
            # One caller that gives up must not take the attempt from the others.
            await asyncio.shield(task)

    def status(self) -> KeyStatus:
        age = None if self._loaded_at is None else timedelta(seconds=self._age())
        error = self._error.reason if self._error else None
        return KeyStatus(len(self._keys), age, error, self._reads, self._failures)

    async def aclose(self) -> None:
        """Stops what runs in the background."""
        for task in (self._rounds, self._loading):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})

    async def _keep_reading(self) -> None:
        while True:
            attempt = self._start()
            if attempt is not None:
                await asyncio.wait({attempt})
            await asyncio.sleep(self._refresh_every if self._keys else self._retry_every)

    def _age(self) -> float:
        return self._monotonic() - (self._loaded_at or 0.0)

    def _start(self) -> asyncio.Task[None] | None:
        if self._loading is None and self._may_try():
            self._tried_at = self._monotonic()
            self._loading = asyncio.create_task(self._attempt())
        return self._loading

    def _may_try(self) -> bool:
        pause = self._retry_every if self._keys else min(1.0, self._retry_every)
        return self._tried_at is None or self._monotonic() - self._tried_at >= pause

    async def _attempt(self) -> None:
        try:
            self._take(parse_keys(await self._load()))
        except KeysUnavailable as exc:
            self._failures += 1
            self._error = exc
        finally:
            self._loading = None

    def _take(self, keys: Sequence[VerificationKey]) -> None:
        self._reads += 1
        self._loaded_at = self._monotonic()
        self._error = None
        if keys != self._keys:
            self._keys = keys
            self.generation += 1


def is_fetchable(url: str) -> bool:
    """Whether it is an absolute http or https URL."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and parsed.host != "" and (parsed.port or 0) <= 65535


def from_url(url: str, *, timeout: timedelta = FETCH_TIMEOUT) -> Load:
    """Fetches a JWKS over HTTP; redirects are not followed, more than 1 MiB is not read."""

    async def load() -> bytes:
        try:
            # wait_for bounds the whole exchange; httpx's own timeout is for each step of it.
            return await asyncio.wait_for(_fetch(url), timeout.total_seconds())
        except (httpx.HTTPError, OSError) as exc:
            raise KeysUnavailable(f"the JWKS URL did not answer: {type(exc).__name__}") from exc

    return load


def from_file(path: Path) -> Load:
    """Reads a JWKS from a file."""

    async def load() -> bytes:
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as exc:
            raise KeysUnavailable(f"the JWKS file cannot be read: {exc.strerror}") from exc

    return load


async def _fetch(url: str) -> bytes:
    async with httpx.AsyncClient() as client, client.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise KeysUnavailable(f"the JWKS URL answered {response.status_code}")
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > MAX_DOCUMENT_BYTES:
                raise KeysUnavailable("the JWKS is larger than 1 MiB")
        return bytes(body)
