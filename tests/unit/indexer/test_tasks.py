import asyncio

import pytest

from indexer.tasks import alongside, unless


async def _for_ever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("helper")


async def test_helpers_end_with_the_main_task() -> None:
    ended: list[str] = []
    await alongside(asyncio.sleep(0.01), _for_ever(ended), asyncio.sleep(0))
    assert ended == ["helper"]


async def test_a_failing_helper_ends_the_main_task_with_its_error() -> None:
    ended: list[str] = []

    async def failing() -> None:
        await asyncio.sleep(0.01)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await alongside(_for_ever(ended), failing())
    assert ended == ["helper"]


async def test_cancelled_all_are() -> None:
    ended: list[str] = []
    task = asyncio.create_task(alongside(_for_ever(ended), _for_ever(ended)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["helper", "helper"]


async def test_unless_stopped() -> None:
    stop, ended = asyncio.Event(), list[str]()
    assert await unless(stop, asyncio.sleep(0))
    asyncio.get_running_loop().call_later(0.01, stop.set)
    assert not await unless(stop, _for_ever(ended))
    assert ended == ["helper"]
