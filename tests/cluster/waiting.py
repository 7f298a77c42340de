"""Waiting for what is on its way through a control plane."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE = 60.0  # seconds, on a busy machine


async def until(done: Callable[[], Awaitable[bool]], what: str, poll: float = 0.1) -> float:
    """The seconds until that holds; `poll` is the time between two looks."""
    begun = time.monotonic()
    while not await done():
        assert time.monotonic() - begun < PATIENCE, f"{what}: not within {PATIENCE:.0f} s"
        await asyncio.sleep(poll)
    return time.monotonic() - begun
