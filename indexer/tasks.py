"""Tasks that live and die together."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def alongside(main: Coroutine[Any, Any, None], *helpers: Coroutine[Any, Any, None]) -> None:
    """Run `main`, and `helpers` for as long as it runs. The first one to raise ends all of them with its error."""
    task = asyncio.create_task(main)
    others = [asyncio.create_task(helper) for helper in helpers]
    waiting: set[asyncio.Task[None]] = {task, *others}
    try:
        while not task.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for ended in done - {task}:
                ended.result()
        task.result()
    finally:
        for ended in (task, *others):
            ended.cancel()
        await asyncio.gather(task, *others, return_exceptions=True)


async def unless(stop: asyncio.Event, main: Coroutine[Any, Any, None]) -> bool:
    """Run `main`; True if it ended, False if `stop` was set first and it was cancelled."""
    task = asyncio.create_task(main)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return False
        task.result()
        return True
    finally:
        for ended in (task, stopping):
            ended.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)
