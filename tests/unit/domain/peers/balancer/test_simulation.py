"""A peer of 50 instances in virtual time: slow ones, failing ones, and a restart of all."""

from dataclasses import replace

from benchmarks.measure import percentile
from tests.fixtures import peer_simulation as simulation
from tests.fixtures.peer_simulation import Scenario, simulate
from tests.fixtures.virtual_time import run

SHORT = Scenario(instances=50, rate=200, seconds=20)
HEALTHY = replace(SHORT, instances=35, slow=0, failing=0, restarting=False)


def test_no_request_fails_in_a_rolling_restart_and_the_slow_are_not_felt() -> None:
    alone = run(simulate(HEALTHY, simulation.ours))
    result = run(simulate(SHORT, simulation.ours))
    assert result.failed == 0
    assert percentile(result.seconds, 0.99) < 1.5 * percentile(alone.seconds, 0.99)


def test_without_balancing_they_are_felt_and_retries_alone_do_not_save_all() -> None:
    """What the test above would see if it saw nothing."""
    result = run(simulate(replace(SHORT, seconds=8), simulation.at_random))
    assert result.failed > 0
    assert percentile(result.seconds, 0.99) > 0.3
