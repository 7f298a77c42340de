"""Circuits on /metrics."""

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from domain.peers.breaker.breakers import Breakers
from domain.peers.breaker.errors import CircuitOpen
from domain.peers.breaker.policy import BreakerPolicy
from graph.circuit_metrics import CircuitMetrics
from tests.unit.graph.api import Api, open_api


async def test_every_circuit_is_told_from_the_start(api: Api) -> None:
    page = (await api.client.get("/metrics")).text
    for circuit in ("store", "search", "token keys"):
        assert f'circuit_state{{circuit="{circuit}",state="closed"}} 1.0' in page
        assert f'circuit_calls_total{{circuit="{circuit}",outcome="failed"}} 0.0' in page


async def test_a_circuit_is_forced_by_a_setting(tmp_path: Path) -> None:
    async with open_api(tmp_path, circuits={"search": "open"}) as api:
        page = (await api.client.get("/metrics")).text
    assert 'circuit_state{circuit="search",state="opened"} 1.0' in page


async def test_failures_refusals_and_openings_are_counted() -> None:
    policy = BreakerPolicy(minimum_calls=2, open_for=timedelta(hours=1), longest=timedelta(hours=1))
    breakers = Breakers(["store"], policy=policy)
    metrics = CircuitMetrics(breakers)
    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            async with breakers.get("store"):
                raise OSError("gone")
    with pytest.raises(CircuitOpen):
        async with breakers.get("store"):
            pass
    page = generate_latest(metrics).decode()
    assert 'circuit_state{circuit="store",state="opened"} 1.0' in page
    assert 'circuit_state{circuit="store",state="closed"} 0.0' in page
    assert 'circuit_calls_total{circuit="store",outcome="failed"} 2.0' in page
    assert 'circuit_calls_total{circuit="store",outcome="refused"} 1.0' in page
    assert 'circuit_openings_total{circuit="store"} 1.0' in page
