"""What is asked of a pipeline is done while it runs, or at its next start; and asking, and waiting for it."""

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from domain.errors import SearchUnavailable, StoreUnavailable
from domain.search.index import Outcome, Result
from domain.users.store import Write
from indexer import requests
from indexer.again import Again
from indexer.answering import Answering
from indexer.errors import KafkaUnavailable
from indexer.projection import Projection
from indexer.requests import Kind, ResyncRequested, done, pending, post
from indexer.sinks.shared import SharedSink
from tests.contract.users.memory import MemoryDatabase, MemoryLedger, MemoryUserStore
from tests.contract.users.users import a_user
from tests.unit.indexer.fakes import FakeDeadLetters, FakeSink
from tests.unit.indexer.sources.test_store import FakeCheckpoint


class Rig:
    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.ledger = MemoryLedger(self.database)
        self.sink = FakeSink()
        store = MemoryUserStore(self.database)
        again = Again(store, SharedSink(self.sink), FakeDeadLetters(), Projection("p"))
        self.answering = Answering(self.ledger, "p", again)
        self.user = a_user()
        self.write = store.write(Write(self.user))

    async def look(self, times: int) -> None:
        """Let it look `times` times."""
        left = times

        async def sleep(seconds: float) -> None:
            nonlocal left
            assert seconds == requests.LOOK_SECONDS
            if not left:
                raise asyncio.CancelledError
            left -= 1

        with contextlib.suppress(asyncio.CancelledError):
            await self.answering.run(sleep)


@pytest.fixture
async def rig() -> Rig:
    rig = Rig()
    assert await rig.write
    return rig


async def test_users_are_delivered_once_and_the_request_goes(rig: Rig) -> None:
    request = await post(rig.ledger, "p", Kind.WRITE, {rig.user.id: 1})
    other = await post(rig.ledger, "pp", Kind.WRITE, {rig.user.id: 1})
    await rig.look(3)
    assert [[entry.id for entry in write] for write in rig.sink.writes] == [[rig.user.id]]
    assert await rig.ledger.read(request.key) is None
    assert await rig.ledger.read(other.key) is not None


@pytest.mark.parametrize("error", [SearchUnavailable(), StoreUnavailable()])
async def test_what_cannot_be_done_now_is_done_later(rig: Rig, error: Exception) -> None:
    await post(rig.ledger, "p", Kind.WRITE, {rig.user.id: 1})
    rig.sink.answers = [error, lambda _: [Result(Outcome.BUSY)]]
    with capture_logs() as logs:
        await rig.look(2)
    assert len(await pending(rig.ledger, "p")) == 1
    assert [line["event"] for line in logs] == ["what is asked is done later"]
    await rig.look(1)
    assert (len(rig.sink.writes), await pending(rig.ledger, "p")) == (3, [])


async def test_a_fenced_sink_ends_the_session_and_the_request_stays(rig: Rig) -> None:
    await post(rig.ledger, "p", Kind.WRITE, {rig.user.id: 1})
    rig.sink.answers = [KafkaUnavailable("fenced")]
    with pytest.raises(KafkaUnavailable):
        await rig.look(1)
    assert len(await pending(rig.ledger, "p")) == 1


async def test_a_resync_ends_the_session_and_the_next_one_forgets_the_checkpoint(rig: Rig) -> None:
    await post(rig.ledger, "p", Kind.RESYNC)
    with pytest.raises(ResyncRequested):
        await rig.look(1)
    checkpoint = FakeCheckpoint("17")
    await rig.answering.begin(checkpoint)
    assert (checkpoint.committed, await pending(rig.ledger, "p")) == ([None], [])
    await rig.look(1)
    checkpoint = FakeCheckpoint("17")
    await rig.answering.begin(checkpoint)
    assert checkpoint.committed == []


async def test_a_resync_is_not_forgotten_before_its_checkpoint_is(rig: Rig) -> None:
    await post(rig.ledger, "p", Kind.RESYNC)
    checkpoint = FakeCheckpoint("17")

    async def fail(position: str | None) -> None:
        raise StoreUnavailable

    checkpoint.commit = fail  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        await rig.answering.begin(checkpoint)
    assert len(await pending(rig.ledger, "p")) == 1


async def test_what_only_a_newer_release_knows_is_left_to_it(rig: Rig) -> None:
    await rig.ledger.write("request:p:1", {"kind": "dance", "users": {}}, expected=0)
    await rig.look(1)
    assert (rig.sink.writes, await rig.ledger.read("request:p:1") is not None) == ([], True)


async def test_who_asks_waits_until_it_is_done_but_not_for_ever(rig: Rig) -> None:
    request = await post(rig.ledger, "p", Kind.WRITE, {rig.user.id: 1})
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 8:
            await rig.look(1)

    assert not await done(rig.ledger, request, 5, sleep)
    assert await done(rig.ledger, request, 5, sleep)
    assert slept == [1.0] * 8
