"""Closing what may hang, fail, or cancel tasks of its own."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from indexer import kafka
from indexer.kafka import closed


async def _awaits_a_task_it_cancelled() -> None:
    """What a consumer's stop() does with a fetch that had failed."""
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await task


async def test_a_cancelled_task_of_the_library_does_not_cancel_the_caller() -> None:
    assert not await closed(_awaits_a_task_it_cancelled())


async def test_what_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "CLOSE_SECONDS", 0.01)
    assert not await closed(_hang())


async def test_an_error_of_the_broker_is_an_end() -> None:
    assert await closed(asyncio.sleep(0))
    assert await closed(_raise(KafkaConnectionError()))


async def test_any_other_error_is_told() -> None:
    with pytest.raises(ZeroDivisionError):
        await closed(_raise(ZeroDivisionError()))


async def _raise(error: Exception) -> None:
    raise error


async def _hang() -> None:
    await asyncio.Event().wait()
