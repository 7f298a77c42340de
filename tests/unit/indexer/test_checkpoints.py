from indexer.checkpoints import BUSY_SECONDS, IDLE_SECONDS, Checkpoints
from tests.unit.indexer.fakes import FakeClock


class Rig:
    def __init__(self) -> None:
        self.committed: list[str] = []
        self.clock = FakeClock()
        self.checkpoints = Checkpoints(self._commit, monotonic=self.clock)

    async def _commit(self, position: str) -> None:
        self.committed.append(position)


async def test_the_first_position_is_committed_at_once_and_later_ones_are_spaced() -> None:
    rig = Rig()
    rig.checkpoints.delivered("1", changes=False)
    await rig.checkpoints.save()
    rig.checkpoints.delivered("2", changes=True)
    await rig.checkpoints.save()
    assert rig.committed == ["1"]
    rig.clock.seconds += BUSY_SECONDS
    await rig.checkpoints.save()
    assert rig.committed == ["1", "2"]


async def test_a_position_that_moves_without_changes_is_committed_now_and_then() -> None:
    rig = Rig()
    rig.checkpoints.delivered("1", changes=True)
    await rig.checkpoints.save()
    for second in range(12):
        rig.clock.seconds += 1
        rig.checkpoints.delivered(f"idle {second}", changes=False)
        await rig.checkpoints.save()
    assert rig.committed == ["1", "idle 4", "idle 9"]
    assert IDLE_SECONDS == 5


async def test_an_unchanged_position_is_not_committed_again() -> None:
    rig = Rig()
    for _ in range(3):
        rig.clock.seconds += 60
        rig.checkpoints.delivered("1", changes=False)
        await rig.checkpoints.save(now=True)
    assert rig.committed == ["1"]


async def test_at_the_end_what_is_pending_is_committed() -> None:
    rig = Rig()
    rig.checkpoints.delivered("1", changes=True)
    await rig.checkpoints.save()
    rig.checkpoints.delivered("2", changes=False)
    await rig.checkpoints.save(now=True)
    assert rig.committed == ["1", "2"]
