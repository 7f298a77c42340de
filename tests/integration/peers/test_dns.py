"""Instances by DNS over real sockets: every way a nameserver fails, and changes while it is looked."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from domain.peers.dns.config import DnsConfig, Nameserver
from domain.peers.dns.resolver import SrvResolver
from domain.peers.instance import Instance
from domain.peers.location import resolver_for
from domain.peers.registry import Registry
from domain.peers.resolver import ResolutionFailed
from tests.fixtures.dns import DnsServer, Fault, Zone, config, serving

NAME = "_graphql._tcp.posts.example"
SHORT = timedelta(milliseconds=300)
A, B = Instance("10.0.0.1", 80), Instance("10.0.0.2", 80)


def _zone(*instances: Instance, ttl: int = 30) -> Zone:
    zone = Zone()
    _set(zone, *(instances or (A,)), ttl=ttl)
    return zone


def _set(zone: Zone, *instances: Instance, ttl: int = 30) -> None:
    for n, instance in enumerate(instances):
        zone.set(f"t{n}.example", "A", instance.host, ttl=ttl)
    records = (f"{one.priority} {one.weight} {one.port} t{n}.example." for n, one in enumerate(instances))
    zone.set(NAME, "SRV", *records, ttl=ttl)


def _resolver(*servers: DnsServer) -> SrvResolver:
    return SrvResolver(NAME, config=lambda: config(*servers))


def _impatient(*servers: DnsServer, attempts: int = 1) -> SrvResolver:
    return SrvResolver(NAME, config=lambda: config(*servers, timeout=SHORT, attempts=attempts))


async def _failure(resolver: SrvResolver) -> str:
    with pytest.raises(ResolutionFailed) as caught:
        await resolver.resolve()
    return caught.value.reason


REASONS = {
    Fault.SERVFAIL: "answered SERVFAIL",
    Fault.REFUSED: "answered REFUSED",
    Fault.SILENCE: "did not answer within 0.3 s",
    Fault.GARBAGE: "did not answer within 0.3 s",
    Fault.WRONG_ID: "did not answer within 0.3 s",
    Fault.OTHER_QUESTION: "did not answer within 0.3 s",
    Fault.REFERRAL: "pointed to other servers instead of answering",
}


@pytest.mark.parametrize("fault", REASONS, ids=lambda fault: fault.name)
async def test_a_server_that_fails_is_named_and_another_one_answers(fault: Fault) -> None:
    zone = _zone()
    zone.faults[None] = fault
    async with serving(zone) as bad, serving(_zone()) as good:
        assert f"SRV {NAME}.: {bad.nameserver} {REASONS[fault]}" in await _failure(_impatient(bad))
        assert (await _impatient(bad, good, attempts=5).resolve()).instances == {A}


OVER_TCP = {
    Fault.SERVFAIL: "answered SERVFAIL",
    Fault.SILENCE: "did not answer over TCP within 0.3 s",
    Fault.GARBAGE: "answered over TCP with what is no answer (FormError)",
    Fault.WRONG_ID: "answered another question over TCP",
    Fault.OTHER_QUESTION: "answered another question over TCP",
    Fault.HANGING_UP: "could not be asked over TCP (IncompleteReadError)",
}


@pytest.mark.parametrize("fault", OVER_TCP, ids=lambda fault: fault.name)
async def test_a_server_that_fails_over_tcp_is_named_and_another_one_answers(fault: Fault) -> None:
    zone = _zone()
    zone.tcp_fault = fault
    async with serving(zone) as bad, serving(_zone()) as good:
        assert f"SRV {NAME}.: {bad.nameserver} {OVER_TCP[fault]}" in await _failure(_impatient(bad))
        assert (await _impatient(bad, good, attempts=5).resolve()).instances == {A}


async def test_a_server_that_is_not_there() -> None:
    async with serving(_zone()) as gone:
        resolver = _impatient(gone)
    assert "could not be asked (ConnectionRefusedError)" in await _failure(resolver)


async def test_a_second_attempt_brings_what_the_first_one_lost() -> None:
    class Lossy(Zone):
        def reply(self, wire: bytes, *, over_tcp: bool) -> bytes | None:
            reply = super().reply(wire, over_tcp=over_tcp)
            return None if len(self.questions) % 2 else reply

    zone = Lossy()
    _set(zone, A)
    async with serving(zone) as server:
        assert (await _impatient(server, attempts=9).resolve()).instances == {A}


async def test_what_is_cut_short_is_asked_for_over_tcp() -> None:
    zone = _zone()
    zone.faults[NAME] = Fault.TRUNCATED
    async with serving(zone) as server:
        assert (await _resolver(server).resolve()).instances == {A}
    assert [question.over_tcp for question in zone.questions if question.kind == "SRV"] == [False, True]
    assert [question.over_tcp for question in zone.questions if question.kind == "A"] == [False]


@pytest.mark.parametrize("additional", [False, True])
async def test_500_targets(additional: bool) -> None:
    instances = {Instance(f"10.0.{n // 250}.{n % 250 + 1}", 8080) for n in range(500)}
    zone = _zone(*sorted(instances))
    zone.additional = additional
    async with serving(zone) as server:
        assert (await _resolver(server).resolve()).instances == instances
    assert len(zone.asked("A")) == (0 if additional else 500)
    assert any(question.over_tcp for question in zone.questions)


async def test_ipv6_only() -> None:
    zone = Zone()
    zone.set(NAME, "SRV", "0 1 80 six.example.")
    zone.set("six.example", "AAAA", "fd00::1")
    async with serving(zone) as server:
        instances = (await _resolver(server).resolve()).instances
    assert [instance.address for instance in instances] == ["[fd00::1]:80"]


async def test_a_whole_look_is_bounded() -> None:
    zone = Zone(faults={None: Fault.SILENCE})
    async with serving(zone) as server:
        limit = timedelta(milliseconds=200)
        resolver = SrvResolver(NAME, config=lambda: config(server, timeout=timedelta(seconds=9)), timeout=limit)
        started = time.monotonic()
        assert await _failure(resolver) == "it took longer than 0.2 s"
        assert time.monotonic() - started < 5


async def test_a_server_given_by_the_url() -> None:
    async with serving(_zone()) as server:
        resolution = await resolver_for(f"srv://{NAME}.?nameserver={server.nameserver}").resolve()
    assert resolution.instances == {A}


async def test_no_socket_stays_open() -> None:
    zone = _zone()
    zone.faults[NAME] = Fault.TRUNCATED
    async with serving(zone) as server:
        resolver = _resolver(server)
        await resolver.resolve()
        before = _open_files()
        for _ in range(20):
            await resolver.resolve()
        await asyncio.sleep(0.1)
        assert _open_files() <= before + 2


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class Kept:
    """A registry over real nameservers, and the sets it told."""

    def __init__(self, configuration: Callable[[], DnsConfig]) -> None:
        self.sets: list[set[Instance]] = []
        self.registry = Registry(
            "posts",
            SrvResolver(NAME, config=configuration),
            on_change=lambda instances: self.sets.append(set(instances)),
            random=Random(1),
        )

    async def until(self, reached: Callable[[], bool], seconds: float = 10) -> float:
        """How long it took."""
        started = time.monotonic()
        async with asyncio.timeout(seconds):
            while not reached():  # noqa: ASYNC110 (what is waited for has no event)
                await asyncio.sleep(0.01)
        return time.monotonic() - started


@asynccontextmanager
async def _keeping(*servers: DnsServer) -> AsyncIterator[Kept]:
    kept = Kept(lambda: config(*servers, timeout=SHORT, attempts=5))
    task = asyncio.create_task(kept.registry.run())
    await kept.registry.first_look()
    yield kept
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_change_arrives_within_a_ttl() -> None:
    zone = _zone(A, ttl=1)
    async with serving(zone) as server, _keeping(server) as kept:
        for instances in ((A, B), (B,), (A,)):
            _set(zone, *instances, ttl=1)
            took = await kept.until(lambda instances=instances: kept.sets[-1] == set(instances))  # type: ignore[misc]
            assert took < 3  # the TTL, which is one second, and the time that a busy machine takes


async def test_a_server_that_lost_its_records_empties_nothing_while_another_one_has_them() -> None:
    first, second = _zone(A, ttl=1), _zone(A, ttl=1)
    async with serving(first) as one, serving(second) as other, _keeping(one, other) as kept:
        first.remove(NAME, "SRV")
        await kept.until(lambda: len(second.asked("SRV")) >= 2)
        assert kept.sets == [{A}]
        assert len(first.asked("SRV")) == 2
        second.remove(NAME, "SRV")
        await kept.until(lambda: kept.sets == [{A}, set()])


async def test_what_was_known_stands_while_dns_is_down_and_ends_with_it() -> None:
    zone = _zone(A, ttl=1)
    async with serving(zone) as server, _keeping(server) as kept:
        zone.faults[None] = Fault.SILENCE
        await kept.until(lambda: kept.registry.status().stale)
        status = kept.registry.status()
        assert status.instances == {A}
        assert "did not answer within 0.3 s" in (status.error or "")
        _set(zone, B, ttl=1)
        zone.faults.clear()
        await kept.until(lambda: kept.sets == [{A}, {B}])
        assert not kept.registry.status().stale


async def test_after_a_failed_connection_a_change_arrives_at_once() -> None:
    zone = _zone(A, ttl=60)
    async with serving(zone) as server, _keeping(server) as kept:
        await asyncio.sleep(1.1)
        _set(zone, B, ttl=60)
        kept.registry.look_again()
        await kept.until(lambda: kept.sets[-1] == {B})


async def test_another_configuration_is_used_at_the_next_look() -> None:
    async with serving(_zone(A)) as one, serving(_zone(B)) as other:
        current = [one]
        resolver = SrvResolver(NAME, config=lambda: config(*current))
        assert (await resolver.resolve()).instances == {A}
        current[:] = [other]
        assert (await resolver.resolve()).instances == {B}


async def test_a_nameserver_of_an_unreachable_network() -> None:
    unreachable = DnsConfig((Nameserver("255.255.255.255"),), timeout=SHORT)
    resolver = SrvResolver(NAME, config=lambda: unreachable)
    assert f"SRV {NAME}.: 255.255.255.255:53 " in await _failure(resolver)
