"""A resync on demand: whom to ask, and when it is done."""

from datetime import timedelta

import pytest

from domain.clock import to_text
from domain.errors import SettingsError
from domain.settings import Mode
from indexer.lease import Claim
from indexer.pairs import EMBEDDED, INDEXER, RELAY, Pair
from indexer.resync import ask, chosen, finished
from indexer.sources.position import Resync
from tests.contract.users.memory import MemoryDatabase, MemoryLedger
from tests.unit.indexer.fakes import NOON


class Rig:
    def __init__(self) -> None:
        self.ledger = MemoryLedger(MemoryDatabase())
        self.told: list[int] = []

    async def put(self, key: str, value: dict[str, object]) -> None:
        entry = await self.ledger.read(key)
        assert await self.ledger.write(key, value, expected=entry.revision if entry else 0)

    async def counts(self, pair: Pair, written: int) -> None:
        await self.put(f"status:{pair.name}", {"written": written, "stale": 1, "at": to_text(NOON)})

    async def at(self, pair: Pair, position: str | None) -> None:
        await self.put(f"pipeline:{pair.name}", Claim("me", 1, 1, position).to_json())


def test_all_pipelines_of_the_mode_or_the_named_one() -> None:
    assert chosen(Mode.CLUSTER, None) == [RELAY, INDEXER]
    assert chosen(Mode.CLUSTER, "mongo-to-kafka") == [RELAY]
    with pytest.raises(SettingsError, match=r"no pipeline sqlite-to-tantivy in the mode cluster: choose one of mongo-"):
        chosen(Mode.CLUSTER, "sqlite-to-tantivy")


async def test_it_is_done_once_the_checkpoint_is_the_feeds_own_again() -> None:
    rig, looks = Rig(), 0
    await rig.at(EMBEDDED, "7")
    await rig.counts(EMBEDDED, 100)
    asked = await ask(rig.ledger, [EMBEDDED])

    async def go_on(_: float) -> None:
        nonlocal looks
        looks += 1
        match looks:
            case 1:
                await rig.at(EMBEDDED, None)
                await rig.ledger.remove(asked[EMBEDDED].key)
            case 2:
                await rig.at(EMBEDDED, str(Resync("9", "u5")))
                await rig.counts(EMBEDDED, 105)
            case 3:
                await rig.counts(EMBEDDED, 3)  # another process goes on
            case 4:
                await rig.at(EMBEDDED, "9")

    await finished(rig.ledger, asked, rig.told.append, go_on, lambda: NOON)
    assert (looks, rig.told) == (4, [0, 0, 5, 0])


async def test_from_kafka_it_is_done_once_the_request_is_gone() -> None:
    rig, looks = Rig(), 0
    await rig.counts(INDEXER, 0)
    asked = await ask(rig.ledger, [INDEXER])

    async def go_on(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            await rig.ledger.remove(asked[INDEXER].key)

    await finished(rig.ledger, asked, rig.told.append, go_on, lambda: NOON)
    assert looks == 3


async def test_nobody_waits_for_an_indexer_that_runs_no_more() -> None:
    rig, time = Rig(), NOON
    await rig.counts(RELAY, 5)
    asked = await ask(rig.ledger, [RELAY])

    async def die(_: float) -> None:
        nonlocal time
        time += timedelta(seconds=20)

    assert await finished(rig.ledger, asked, rig.told.append, die, lambda: time) == [RELAY]
    assert rig.told == [0]
