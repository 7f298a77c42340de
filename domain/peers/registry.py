"""The instances of one peer, kept fresh: what was known stands until something newer is known for sure."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from domain.peers.instance import Instance
from domain.peers.refresh import DEFAULT_POLICY, RefreshPolicy
from domain.peers.resolver import Resolution, ResolutionFailed, Resolver


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    """For operators: the instances, how long ago an answer last named them (None: never), the last look's error.

    `stale`: they stand although the last look failed. `remarks` say what the last answer left out, and why.
    """

    instances: frozenset[Instance]
    age: timedelta | None
    error: str | None
    stale: bool
    remarks: tuple[str, ...] = ()


class Registry:
    """Looks by `resolver` and tells `on_change` each set that differs from the one before, while `run` runs.

    A set that was not empty becomes so only if a second look, a moment later, finds nothing either.
    """

    def __init__(
        self,
        peer: str,
        resolver: Resolver,
        *,
        on_change: Callable[[frozenset[Instance]], None],
        random: Random,
        monotonic: Callable[[], float] = time.monotonic,
        policy: RefreshPolicy = DEFAULT_POLICY,
    ) -> None:
        self.peer = peer
        self._resolver = resolver
        self._on_change = on_change
        self._random = random
        self._monotonic = monotonic
        self._policy = policy
        self._instances: frozenset[Instance] = frozenset()
        self._remarks: tuple[str, ...] = ()
        self._error: str | None = None
        self._failures = 0
        self._answered_at: float | None = None
        self._requested = asyncio.Event()
        self._looked = asyncio.Event()

    @property
    def instances(self) -> frozenset[Instance]:
        return self._instances

    def look_again(self) -> None:
        """A connection failed, or there is no instance: look at once, or as soon as the policy allows."""
        self._requested.set()

    async def first_look(self) -> None:
        """Waits until the first look has ended, with whatever outcome."""
        await self._looked.wait()

    def status(self) -> RegistryStatus:
        answered = self._answered_at
        age = None if answered is None else timedelta(seconds=self._monotonic() - answered)
        stale = self._error is not None and age is not None
        return RegistryStatus(self._instances, age, self._error, stale, self._remarks)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._requested.clear()
            pause = await self._look()
            self._looked.set()
            await self._wait(pause)

    async def _look(self) -> float | None:
        """How many seconds to wait before the next one; None: until asked."""
        try:
            resolution = await self._confirmed()
        except ResolutionFailed as exc:
            self._failures += 1
            self._error = exc.reason
            return self._policy.after_failure(self._failures, self._random)
        self._take(resolution)
        return self._policy.after_answer(resolution.ttl, self._random)

    async def _confirmed(self) -> Resolution:
        resolution = await self._resolver.resolve()
        if resolution.instances or not self._instances:
            return resolution
        await asyncio.sleep(self._policy.confirm_after.total_seconds())
        return await self._resolver.resolve()

    def _take(self, resolution: Resolution) -> None:
        self._failures = 0
        self._error = None
        self._answered_at = self._monotonic()
        self._remarks = resolution.remarks
        if resolution.instances != self._instances:
            self._instances = resolution.instances
            self._on_change(resolution.instances)

    async def _wait(self, pause: float | None) -> None:
        ended = self._monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._requested.wait()
                await asyncio.sleep(self._policy.before_requested(self._monotonic() - ended))
