"""The loop between a source and a sink that fail exactly where the test says."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from domain.errors import PositionLost, SearchUnavailable, StoreUnavailable
from domain.search.document import IndexEntry
from domain.search.index import Outcome, Result
from indexer import batching
from indexer.batching import Limits
from indexer.dead_letters import DeadLetter
from indexer.errors import BatchExpired, KafkaUnavailable, LeaseLost
from indexer.pipeline import MAX_AGE_SECONDS, Session
from indexer.sources.source import Chunk
from indexer.status import State, Status
from tests.unit.indexer.fakes import NOON, FakeClock, FakeDeadLetters, FakeSink, FakeSource, Step, deletion, entry


class Rig:
    """A session over fakes; `stop` is set by the source when its steps are over, unless a test does otherwise."""

    def __init__(
        self,
        steps: Sequence[Step],
        sink: FakeSink | None = None,
        *,
        limits: Limits | None = None,
        stops: bool = True,
        pause: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.stop = asyncio.Event()
        self.clock = FakeClock()
        self.source = FakeSource([*steps, self.stop.set] if stops else steps)
        self.sink = sink or FakeSink()
        self.letters = FakeDeadLetters()
        self.status = Status("a-to-b", clock=lambda: NOON, monotonic=self.clock)
        self.pauses: list[float] = []
        self.session = Session(
            self.source,
            self.sink,
            self.letters,
            limits=limits or Limits(4, 100_000, 0),
            status=self.status,
            stop=self.stop,
            monotonic=self.clock,
            clock=lambda: NOON,
            pause=pause or self.pause,
        )

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.seconds += max(seconds, 0.01)
        await asyncio.sleep(0)

    async def run(self) -> None:
        await asyncio.wait_for(self.session.run(), 5)


def _busy(*numbers: int) -> Callable[[Sequence[IndexEntry]], Sequence[Result]]:
    def answer(entries: Sequence[IndexEntry]) -> Sequence[Result]:
        return [Result(Outcome.BUSY if number in numbers else Outcome.APPLIED) for number in range(len(entries))]

    return answer


async def test_everything_is_delivered_once_and_committed_after_it() -> None:
    rig = Rig([Chunk([entry(1), entry(2)], "2"), Chunk([deletion(1, 2)], "3"), Chunk([], "4")])
    await rig.run()
    assert rig.sink.users == {entry(1).id: deletion(1, 2), entry(2).id: entry(2)}
    assert rig.source.committed[-1] == "4"
    assert (rig.status.read, rig.status.written, rig.status.stale) == (3, 2, 0)  # version 1 of the first fell out
    assert rig.source.closed


async def test_a_batch_has_one_entry_a_user() -> None:
    rig = Rig([Chunk([entry(1, 1), entry(1, 2)], "2")])
    await rig.run()
    assert rig.sink.writes == [[entry(1, 2)]]


async def test_bytes_are_counted() -> None:
    rig = Rig([Chunk([entry(1), entry(2)], "2"), Chunk([entry(3)], "3")])
    await rig.run()
    total = sum(batching.size(entry(n)) for n in (1, 2, 3))
    assert (rig.status.read_bytes, rig.status.delivered_bytes) == (total, total)


async def test_the_lag_is_what_lies_behind_and_what_is_read_and_not_delivered() -> None:
    gate = asyncio.Event()

    class Slow(FakeSink):
        async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
            await gate.wait()
            return await super().write(entries, repair=repair)

    rig = Rig([Chunk([entry(1), entry(2)], "2")], Slow(), stops=False)
    rig.source.behind = 7
    reading = asyncio.create_task(rig.run())
    for _ in range(20):
        await asyncio.sleep(0)
    measuring = asyncio.create_task(rig.session._measure())
    await asyncio.sleep(0)
    assert rig.status.lag_records == 9
    measuring.cancel()
    rig.source.behind = None
    measuring = asyncio.create_task(rig.session._measure())
    await asyncio.sleep(0)
    assert rig.status.lag_records is None
    rig.status.lag_records = 9
    measuring.cancel()
    gate.set()
    rig.stop.set()
    await reading
    assert rig.status.lag_records is None  # nobody measures any more


async def test_what_was_delivered_does_not_lag() -> None:
    rig = Rig([Chunk([entry(1), entry(2)], "2")])
    await rig.run()
    rig.source.behind = 7
    measuring = asyncio.create_task(rig.session._measure())
    await asyncio.sleep(0)
    assert rig.status.lag_records == 7
    measuring.cancel()


async def test_a_stale_write_is_counted_and_no_error() -> None:
    sink = FakeSink(users={entry(1).id: entry(1, 5)})
    rig = Rig([Chunk([entry(1, 3)], "1")], sink)
    await rig.run()
    assert (rig.status.stale, rig.status.written, rig.letters.letters) == (1, 0, [])
    assert rig.source.committed == ["1"]


async def test_only_what_was_busy_is_written_again() -> None:
    sink = FakeSink([_busy(1, 2), _busy(0)])
    rig = Rig([Chunk([entry(1), entry(2), entry(3)], "3")], sink, stops=False)
    sink.answers.append(lambda _: rig.stop.set())
    await rig.run()
    assert sink.writes == [[entry(1), entry(2), entry(3)], [entry(2), entry(3)], [entry(2)]]
    assert (rig.status.retries, len(rig.pauses)) == (2, 2)
    assert rig.source.committed == ["3"]


async def test_a_busy_engine_gets_less_at_once_and_slowly_more_again() -> None:
    sink = FakeSink([SearchUnavailable(), SearchUnavailable()])
    rig = Rig([Chunk([entry(n) for n in range(32)], "32")], sink, limits=Limits(32, 100_000, 0), stops=False)

    sink.answers.extend([lambda _: None] * 3)
    sink.answers.append(lambda _: rig.stop.set())
    await rig.run()
    assert [len(write) for write in sink.writes] == [32, 16, 8, 10, 12, 2]
    assert [made.id for write in sink.writes[2:] for made in write] == [entry(n).id for n in range(32)]
    assert rig.source.committed == ["32"]


async def test_a_slow_engine_that_makes_progress_is_not_stuck() -> None:
    class Slow(FakeSink):
        async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
            assert not rig.status.stuck
            rig.clock.seconds += 40
            return await super().write(entries, repair=repair)

    rig = Rig([Chunk([entry(n) for n in range(32)], "32")], Slow([SearchUnavailable()]), limits=Limits(32, 10**6, 0))
    rig.sink.answers.extend([SearchUnavailable(), lambda _: None, lambda _: None, lambda _: rig.stop.set()])
    rig.source.steps = rig.source.steps[:1]
    await rig.run()
    assert [len(write) for write in rig.sink.writes] == [32, 16, 8, 10, 12, 2]


async def test_an_engine_that_is_down_holds_the_checkpoint() -> None:
    sink = FakeSink([SearchUnavailable()] * 5)
    rig = Rig([Chunk([entry(1)], "1")], sink, stops=False)

    async def pause(_: float) -> None:
        assert rig.source.committed == []
        assert rig.status.state is State.BACKOFF
        assert rig.status.lag_seconds == 0
        if len(sink.writes) == 5:
            asyncio.get_running_loop().call_later(0.05, rig.stop.set)

    rig.session._pause = pause
    await rig.run()
    assert len(sink.writes) == 6
    assert rig.source.committed == ["1"]
    assert rig.status.state is State.RUNNING


async def test_what_can_never_succeed_is_put_aside_without_holding_up_the_rest() -> None:
    sink = FakeSink([lambda _: [Result(Outcome.APPLIED), Result(Outcome.REJECTED, "too long")]])
    rig = Rig([Chunk([entry(1), entry(2, 7)], "2"), Chunk([entry(3)], "3")], sink, limits=Limits(2, 100_000, 0))
    await rig.run()
    (letter,) = rig.letters.letters
    assert (letter.id, letter.version, letter.origin, letter.reason, letter.attempts, letter.at) == (
        entry(2).id,
        7,
        "a-to-b",
        "too long",
        1,
        NOON,
    )
    assert rig.source.committed[-1] == "3"
    assert rig.status.dead_letters == 1


async def test_what_the_source_refuses_is_put_aside() -> None:
    letter = DeadLetter(entry(1).id, 7, "a-to-b", "no user", 1, NOON)
    rig = Rig([Chunk([], "1", refused=[letter])])
    await rig.run()
    assert rig.letters.letters == [letter]
    assert rig.status.dead_letters == 1
    assert rig.source.committed[-1] == "1"


async def test_a_dead_letter_that_cannot_be_kept_holds_the_checkpoint() -> None:
    sink = FakeSink([lambda _: [Result(Outcome.REJECTED, "too long")]])
    rig = Rig([Chunk([entry(1)], "1")], sink)
    rig.letters.error = StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        await rig.run()
    assert rig.source.committed == []


@pytest.mark.parametrize("error", [KafkaUnavailable("x"), ZeroDivisionError()])
async def test_an_error_that_is_not_the_engines_ends_the_session_uncommitted(error: Exception) -> None:
    rig = Rig([Chunk([entry(1)], "1")], FakeSink([error]))
    with pytest.raises(type(error)):
        await rig.run()
    assert rig.source.committed == []
    assert rig.source.closed


async def test_the_sources_error_ends_the_session() -> None:
    rig = Rig([Chunk([entry(1)], "1"), PositionLost("pruned")], stops=False)
    with pytest.raises(PositionLost):
        await rig.run()


async def test_a_lost_lease_ends_the_session() -> None:
    rig = Rig([Chunk([entry(1)], "1")])
    rig.source.commit_error = LeaseLost("a-to-b")
    with pytest.raises(LeaseLost):
        await rig.run()


async def test_a_batch_that_waited_too_long_is_not_sent() -> None:
    sink = FakeSink([SearchUnavailable(), SearchUnavailable()])
    rig = Rig([Chunk([entry(1)], "1")], sink, stops=False)

    async def pause(_: float) -> None:
        rig.clock.seconds += MAX_AGE_SECONDS / 2 + 1

    rig.session._pause = pause
    with pytest.raises(BatchExpired):
        await rig.run()
    assert len(sink.writes) == 2
    assert rig.source.committed == []


async def test_a_chunk_larger_than_a_batch_is_committed_only_as_a_whole() -> None:
    sink = FakeSink([lambda _: None, KafkaUnavailable("x")])
    rig = Rig([Chunk([entry(n) for n in range(6)], "6")], sink)
    with pytest.raises(KafkaUnavailable):
        await rig.run()
    assert [len(write) for write in sink.writes] == [4, 2]
    assert rig.source.committed == []


async def test_a_full_queue_slows_the_source() -> None:
    gate = asyncio.Event()

    class Slow(FakeSink):
        async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
            await gate.wait()
            return await super().write(entries, repair=repair)

    rig = Rig([Chunk([entry(n)], str(n)) for n in range(50)], Slow(), limits=Limits(1, 100_000, 0))
    running = asyncio.create_task(rig.run())
    for _ in range(200):
        await asyncio.sleep(0)
    assert rig.source.told < 6
    gate.set()
    await running
    assert len(rig.sink.users) >= rig.source.told - 1


async def test_a_stop_drains_what_was_read() -> None:
    gate = asyncio.Event()

    class Slow(FakeSink):
        async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
            await gate.wait()
            return await super().write(entries, repair=repair)

    rig = Rig([Chunk([entry(n)], str(n)) for n in range(3)], Slow(), stops=False, limits=Limits(1, 100_000, 0))
    running = asyncio.create_task(rig.run())
    for _ in range(50):
        await asyncio.sleep(0)
    rig.stop.set()
    gate.set()
    await running
    assert set(rig.sink.users) == {entry(n).id for n in range(3)}
    assert rig.source.committed[-1] == "2"


async def test_a_stop_while_the_engine_is_down_gives_up_after_one_more_attempt() -> None:
    sink = FakeSink([SearchUnavailable()] * 10)
    rig = Rig([Chunk([entry(1)], "1")], sink, stops=False)

    async def pause(_: float) -> None:
        rig.stop.set()

    rig.session._pause = pause
    with pytest.raises(SearchUnavailable):
        await rig.run()
    assert len(sink.writes) == 2
    assert rig.source.committed == []


async def test_cancelled_at_any_moment_nothing_is_committed_that_was_not_delivered() -> None:
    for moment in range(1, 40):
        rig = Rig([Chunk([entry(n)], str(n)) for n in range(8)], stops=False, limits=Limits(1, 100_000, 0))
        running = asyncio.create_task(rig.session.run())
        for _ in range(moment):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert rig.source.closed or rig.source.told == 0
        for position in rig.source.committed:
            assert entry(int(position)).id in rig.sink.users


async def test_a_batch_waits_for_more_when_told_to() -> None:
    rig = Rig([], limits=Limits(2, 100_000, 60), stops=False)

    async def later() -> None:
        await rig.session._parts.put(_part(2))
        await asyncio.sleep(0.02)
        assert rig.sink.writes == []
        await rig.session._parts.put(_part(3))
        rig.stop.set()

    await asyncio.gather(rig.run(), later())
    assert rig.sink.writes == [[entry(2), entry(3)]]


def _part(number: int) -> batching.Part[str]:
    (part,) = batching.split(Chunk([entry(number)], str(number)), Limits(10, 100_000, 0), 1000.0)
    return part


async def test_lag_is_the_age_of_the_oldest_undelivered_change() -> None:
    seen: list[float] = []
    rig = Rig([Chunk([entry(1)], "1", NOON - timedelta(seconds=9))])

    def look(_: Sequence[IndexEntry]) -> None:
        seen.append(rig.status.lag_seconds)

    rig.sink.answers.append(look)
    await rig.run()
    assert (seen, rig.status.lag_seconds) == ([9.0], 0.0)
