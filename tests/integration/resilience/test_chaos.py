"""A short chaos run: all is killed and paused under load, and nothing is lost. A long one: make chaos."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from domain.settings import Mode
from tests.chaos.rage import Scene
from tests.chaos.run import Chaos
from tests.chaos.stage import played
from tests.integration.resilience.conftest import Servers
from tests.servers.local import LocalServer

LONGEST_SECONDS = 2.0


@pytest.fixture
def servers_of_mode(mode: Mode, request: pytest.FixtureRequest) -> Sequence[LocalServer]:
    if mode is Mode.EMBEDDED:
        return ()
    servers: Servers = request.getfixturevalue("servers")
    return servers.of(mode)


@pytest.mark.parametrize(("mode", "count"), [(Mode.CLUSTER, 8), (Mode.EMBEDDED, 3)])
async def test_nothing_is_lost(
    mode: Mode,
    count: int,
    servers_of_mode: Sequence[LocalServer],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    seed = random.randrange(1_000_000)
    async with played(mode, servers_of_mode, tmp_path) as (system, parts, proxy):
        scene = Scene(system, parts, proxy, count, seed, longest=LONGEST_SECONDS)
        findings = await Chaos(scene, tmp_path).run()
    record_property("show", findings.table())
    assert findings.good, findings.table()
