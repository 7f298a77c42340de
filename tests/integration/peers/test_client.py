"""A client and real processes: slowed, hung, reset, answering wrongly, killed and started again, while it asks them."""

import asyncio
import time
from pathlib import Path

import pytest

from domain.errors import PeerUnavailable
from domain.peers.balancer.status import State
from tests.fixtures.peer_processes import Flow, running
from tests.fixtures.peer_server import Mode


async def test_no_request_fails_in_a_rolling_restart(tmp_path: Path) -> None:
    async with running(tmp_path, 3) as peer:
        async with Flow(peer.client, rate=100) as flow:
            await asyncio.sleep(1)
            await peer.restart_all()
        assert flow.reasons == {}
        assert len(flow.seconds) > 300
        assert len(flow.by_address) == 3


WRONG = (Mode.RESETTING, Mode.HALF, Mode.ERROR, Mode.THROTTLING, Mode.INVALID, Mode.HTML, Mode.LIST)


@pytest.mark.parametrize("mode", WRONG)
async def test_one_that_answers_wrongly_costs_no_request(mode: Mode, tmp_path: Path) -> None:
    async with running(tmp_path, 3) as peer:
        bad = peer.processes[0]
        async with Flow(peer.client, rate=100) as flow:
            await asyncio.sleep(0.5)
            await bad.behave(mode)
            async with asyncio.timeout(30):
                while not peer.failures(bad):  # noqa: ASYNC110 - the flow is no task of ours
                    await asyncio.sleep(0.1)
            await asyncio.sleep(1)
        assert flow.reasons == {}
        assert sum(one.failures for one in peer.client.status().instances) <= 20


async def test_one_that_is_killed_costs_no_request_and_is_asked_again_when_it_is_back(tmp_path: Path) -> None:
    async with running(tmp_path, 3) as peer:
        killed = peer.processes[0]
        async with Flow(peer.client, rate=100) as flow:
            await asyncio.sleep(0.5)
            await killed.kill()
            await asyncio.sleep(1)
            flow.by_address.clear()
            await killed.start()
            async with asyncio.timeout(20):
                while not flow.by_address[killed.instance.address]:  # noqa: ASYNC110 - the flow is no task of ours
                    await asyncio.sleep(0.1)
        assert flow.reasons == {}


async def test_one_that_is_slow_is_left_alone(tmp_path: Path) -> None:
    async with running(tmp_path, 5) as peer:
        slow = peer.processes[0]
        await slow.behave(delay=0.5)
        async with Flow(peer.client, rate=100) as flow:
            await asyncio.sleep(3)
        assert flow.reasons == {}
        assert flow.by_address[slow.instance.address] <= 3


async def test_one_that_hangs_costs_the_requests_it_has_and_hardly_another(tmp_path: Path) -> None:
    async with running(tmp_path, 3, timeout=1.0) as peer:
        async with Flow(peer.client, rate=100) as flow:
            await asyncio.sleep(1)
            await peer.processes[0].behave(Mode.HANGING)
            await asyncio.sleep(2)
        assert set(flow.reasons) <= {"it did not answer in time"}
        assert sum(flow.reasons.values()) <= 5


async def test_a_large_answer_is_refused_early_and_by_one_instance_only(tmp_path: Path) -> None:
    async with running(tmp_path, 2) as peer:
        for process in peer.processes:
            await process.behave(Mode.LARGE)
        with pytest.raises(PeerUnavailable, match="larger than 10 MB"):
            await peer.client.post(b"{}")
        assert sum(one.requests for one in peer.client.status().instances) == 1
        assert {one.state for one in peer.client.status().instances} == {State.ACTIVE}


async def test_where_all_are_down_it_is_told_at_once_and_goes_on_when_they_are_back(tmp_path: Path) -> None:
    async with running(tmp_path, 2) as peer:
        for process in peer.processes:
            await process.kill()
        for _ in range(20):
            with pytest.raises(PeerUnavailable):
                await peer.client.post(b"{}")
        begun = time.perf_counter()
        with pytest.raises(PeerUnavailable, match="its circuit is open") as caught:
            await peer.client.post(b"{}")
        assert time.perf_counter() - begun < 0.05
        assert caught.value.retry_after is not None
        for process in peer.processes:
            await process.start()
        async with asyncio.timeout(20):
            while peer.breakers.status()[0].state != "closed":
                await asyncio.sleep(0.05)
                try:
                    await peer.client.post(b"{}")
                except PeerUnavailable:
                    continue


async def test_where_all_connections_are_in_use_the_instance_is_not_blamed(tmp_path: Path) -> None:
    async with running(tmp_path, 1, delay=1.5) as peer:
        calls = [peer.client.post(b"{}") for _ in range(110)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        refused = [str(result) for result in results if isinstance(result, PeerUnavailable)]
        assert len(refused) == 10
        assert all("all connections to it are in use" in reason for reason in refused)
        assert peer.client.status().instances[0].failures == 0
