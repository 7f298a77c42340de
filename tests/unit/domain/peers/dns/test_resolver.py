"""From a name to instances, over a nameserver that answers without sockets."""

from dataclasses import replace
from datetime import timedelta

import pytest
from dns.message import Message, QueryMessage
from dns.rrset import RRset

from domain.peers.dns.config import DnsConfig, Nameserver
from domain.peers.dns.resolver import SrvResolver
from domain.peers.instance import Instance
from domain.peers.resolver import MAX_INSTANCES, ResolutionFailed
from tests.fixtures.dns import NEGATIVE_TTL, Fault, Key, Zone, asking

NAME = "_graphql._tcp.posts.example"
CONFIG = DnsConfig((Nameserver("first"),), attempts=1)
BOTH = DnsConfig((Nameserver("first"), Nameserver("second")), attempts=1)


def _zone(*records: str, ttl: int = 30, additional: bool = False, chases: bool = True) -> Zone:
    zone = Zone(additional, chases)
    zone.set(NAME, "SRV", *(records or ("0 10 80 a.example.", "0 20 81 b.example.")), ttl=ttl)
    zone.set("a.example", "A", "10.0.0.1")
    zone.set("b.example", "A", "10.0.0.2")
    return zone


def _resolver(config: DnsConfig = CONFIG, name: str = NAME, **zones: Zone) -> SrvResolver:
    return SrvResolver(name, config=lambda: config, exchange=asking(**zones))


async def _addresses(zone: Zone) -> list[str]:
    return sorted(instance.address for instance in (await _resolver(first=zone).resolve()).instances)


async def _failure(resolver: SrvResolver) -> str:
    with pytest.raises(ResolutionFailed) as caught:
        await resolver.resolve()
    return caught.value.reason


async def test_priority_and_weight_are_kept() -> None:
    resolution = await _resolver(first=_zone("0 10 80 a.example.", "1 20 81 b.example.")).resolve()
    assert resolution.instances == {Instance("10.0.0.1", 80, 0, 10), Instance("10.0.0.2", 81, 1, 20)}
    assert resolution.ttl == timedelta(seconds=30)
    assert resolution.remarks == ()


@pytest.mark.parametrize(("srv", "a", "b", "expected"), [(5, 9, 9, 5), (9, 5, 9, 5), (9, 9, 5, 5), (0, 9, 9, 0)])
@pytest.mark.parametrize("additional", [False, True])
async def test_the_smallest_ttl_of_all_records_counts(
    srv: int, a: int, b: int, expected: int, additional: bool
) -> None:
    zone = _zone(ttl=srv, additional=additional)
    zone.set("a.example", "A", "10.0.0.1", ttl=a)
    zone.set("b.example", "A", "10.0.0.2", ttl=b)
    assert (await _resolver(first=zone).resolve()).ttl == timedelta(seconds=expected)


async def test_addresses_that_came_along_are_not_asked_for() -> None:
    zone = _zone(additional=True)
    assert await _addresses(zone) == ["10.0.0.1:80", "10.0.0.2:81"]
    assert zone.asked("A") == zone.asked("AAAA") == []


async def test_addresses_that_did_not_come_along_are_asked_for_once_a_name() -> None:
    zone = _zone("0 1 80 a.example.", "0 1 81 a.example.")
    assert await _addresses(zone) == ["10.0.0.1:80", "10.0.0.1:81"]
    assert zone.asked("A") == ["a.example"]


async def test_a_target_with_many_addresses_is_as_many_instances() -> None:
    zone = _zone("0 7 80 a.example.")
    zone.set("a.example", "A", "10.0.0.1", "10.0.0.2", "10.0.0.3")
    instances = (await _resolver(first=zone).resolve()).instances
    assert instances == {Instance(f"10.0.0.{n}", 80, 0, 7) for n in (1, 2, 3)}


@pytest.mark.parametrize("additional", [False, True])
async def test_ipv6_only(additional: bool) -> None:
    zone = _zone("0 1 80 six.example.", additional=additional)
    zone.set("six.example", "AAAA", "fd00::1", "fd00::2", ttl=8)
    resolution = await _resolver(first=zone).resolve()
    assert {instance.address for instance in resolution.instances} == {"[fd00::1]:80", "[fd00::2]:80"}
    assert resolution.ttl == timedelta(seconds=8 if additional else NEGATIVE_TTL)


@pytest.mark.parametrize("additional", [False, True])
async def test_a_target_of_both_families_is_one_instance(additional: bool) -> None:
    zone = _zone("0 1 80 a.example.", additional=additional)
    zone.set("a.example", "AAAA", "fd00::1")
    assert await _addresses(zone) == ["10.0.0.1:80"]


async def test_an_address_named_twice_is_one_instance_at_its_best() -> None:
    zone = _zone("1 90 80 a.example.", "0 10 80 b.example.", "0 20 80 c.example.")
    for name in ("a.example", "b.example", "c.example"):
        zone.set(name, "A", "10.0.0.1")
    assert (await _resolver(first=zone).resolve()).instances == {Instance("10.0.0.1", 80, 0, 20)}


async def test_port_0_is_left_out_and_said() -> None:
    resolution = await _resolver(first=_zone("0 1 0 a.example.", "0 1 81 b.example.")).resolve()
    assert resolution.instances == {Instance("10.0.0.2", 81)}
    assert resolution.remarks == ("a.example has port 0",)


async def test_only_port_0_teaches_nothing() -> None:
    reason = await _failure(_resolver(first=_zone("0 1 0 a.example.")))
    assert reason == "no target can be used: a.example has port 0"


async def test_the_target_of_a_withdrawn_service() -> None:
    zone = _zone("0 0 0 .", ttl=12)
    resolution = await _resolver(first=zone).resolve()
    assert (resolution.instances, resolution.ttl) == (frozenset(), timedelta(seconds=12))
    zone.set(NAME, "SRV", "0 0 0 .", "0 1 80 a.example.")
    assert await _addresses(zone) == ["10.0.0.1:80"]


async def test_a_target_that_resolves_to_nothing_is_left_out() -> None:
    zone = _zone("0 1 80 a.example.", "0 1 80 gone.example.", "0 1 80 empty.example.")
    zone.set("empty.example", "TXT", "x")
    resolution = await _resolver(first=zone).resolve()
    assert resolution.instances == {Instance("10.0.0.1", 80)}
    assert resolution.remarks == ("empty.example has no address", "gone.example has no address")
    assert resolution.ttl == timedelta(seconds=NEGATIVE_TTL)
    assert "gone.example" not in zone.asked("AAAA")


async def test_only_targets_that_resolve_to_nothing_are_an_empty_answer() -> None:
    assert (await _resolver(first=_zone("0 1 80 gone.example.")).resolve()).instances == frozenset()


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.SILENCE, Fault.REFUSED])
async def test_a_target_that_cannot_be_asked_for_keeps_its_last_addresses(fault: Fault) -> None:
    zone = _zone()
    resolver = _resolver(first=zone)
    before = await resolver.resolve()
    zone.faults["a.example"] = fault
    for _ in range(2):
        during = await resolver.resolve()
        assert during.instances == before.instances
        assert during.remarks[0].startswith("a.example: its last known addresses stand (A a.example.: first:53 ")
        assert during.ttl == timedelta(seconds=5)


async def test_a_new_target_that_cannot_be_asked_for_is_left_out() -> None:
    zone = _zone()
    zone.faults["a.example"] = Fault.SERVFAIL
    resolution = await _resolver(first=zone).resolve()
    assert resolution.instances == {Instance("10.0.0.2", 81, 0, 20)}
    assert resolution.remarks == ("a.example: it is left out (A a.example.: first:53 answered SERVFAIL)",)


async def test_no_target_that_can_be_asked_for_teaches_nothing() -> None:
    zone = _zone()
    zone.faults = {"a.example": Fault.SERVFAIL, "b.example": Fault.SERVFAIL}
    assert await _failure(_resolver(first=zone)) == "A a.example.: first:53 answered SERVFAIL"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.SERVFAIL, "answered SERVFAIL"),
        (Fault.REFUSED, "answered REFUSED"),
        (Fault.FORMERR, "answered FORMERR"),
        (Fault.SILENCE, "did not answer"),
        (Fault.REFERRAL, "pointed to other servers instead of answering"),
    ],
)
async def test_a_server_that_fails(fault: Fault, reason: str) -> None:
    bad, good = _zone(), _zone()
    bad.faults[None] = fault
    assert await _failure(_resolver(first=bad)) == f"SRV {NAME}.: first:53 {reason}"
    resolver = _resolver(BOTH, first=bad, second=good)
    assert len((await resolver.resolve()).instances) == 2
    asked = len(bad.questions)
    await resolver.resolve()
    assert len(bad.questions) == asked  # asked last from now on


async def test_every_server_is_tried_as_often_as_configured() -> None:
    first, second = Zone(faults={None: Fault.SERVFAIL}), Zone(faults={None: Fault.REFUSED})
    await _failure(_resolver(replace(BOTH, attempts=3), first=first, second=second))
    assert (len(first.questions), len(second.questions)) == (3, 3)


async def test_nothing_is_an_answer() -> None:
    zone = Zone()
    resolution = await _resolver(first=zone).resolve()  # NXDOMAIN
    assert (resolution.instances, resolution.ttl) == (frozenset(), timedelta(seconds=NEGATIVE_TTL))
    zone.set(NAME, "TXT", "x")  # the name exists, without SRV records
    assert (await _resolver(first=zone).resolve()).instances == frozenset()


async def test_after_nothing_another_server_is_asked() -> None:
    empty, full = Zone(), _zone()
    resolver = _resolver(BOTH, first=empty, second=full)
    assert (await resolver.resolve()).instances == frozenset()
    assert len((await resolver.resolve()).instances) == 2
    assert len(empty.questions) == 1


@pytest.mark.parametrize("chases", [True, False])
async def test_aliases_are_followed(chases: bool) -> None:
    zone = _zone("0 1 80 alias.example.", chases=chases)
    zone.records.update(_chain(5, "end.example"))
    zone.set("end.example", "SRV", "0 1 80 alias.example.")
    zone.set("alias.example", "CNAME", "a.example.", ttl=4)
    resolution = await _resolver(first=zone, name="c0.example").resolve()
    assert resolution.instances == {Instance("10.0.0.1", 80)}
    assert resolution.ttl == timedelta(seconds=4)


@pytest.mark.parametrize("chases", [True, False])
@pytest.mark.parametrize("length", [1, 3])
async def test_aliases_in_a_circle_teach_nothing(chases: bool, length: int) -> None:
    zone = _zone(chases=chases)
    zone.records.update(_chain(length, "c0.example"))
    assert "do not end" in await _failure(_resolver(first=zone, name="c0.example"))
    assert len(zone.questions) <= 4


async def test_aliases_without_an_end_teach_nothing() -> None:
    zone = _zone(chases=False)
    zone.records.update(_chain(100, "end.example"))
    assert "do not end" in await _failure(_resolver(first=zone, name="c0.example"))
    assert len(zone.questions) < 12


async def test_targets_beyond_the_bound_are_left_out_whatever_the_order() -> None:
    records = [f"{n % 2} 1 80 t{n:04}.example." for n in range(MAX_INSTANCES + 20)]
    zone = _zone(*records, additional=True)
    for n in range(MAX_INSTANCES + 20):
        zone.set(f"t{n:04}.example", "A", f"10.0.{n // 200}.{n % 200 + 1}")
    first = await _resolver(first=zone).resolve()
    zone.set(NAME, "SRV", *reversed(records))
    assert (await _resolver(first=zone).resolve()).instances == first.instances
    assert len(first.instances) == MAX_INSTANCES
    assert sum(instance.priority == 0 for instance in first.instances) == (MAX_INSTANCES + 20) // 2
    assert first.remarks == (f"20 of {MAX_INSTANCES + 20} targets are beyond the {MAX_INSTANCES} kept",)


async def test_addresses_beyond_the_bound_are_left_out() -> None:
    zone = _zone("0 1 80 a.example.")
    zone.set("a.example", "A", *(f"10.1.{n // 200}.{n % 200 + 1}" for n in range(MAX_INSTANCES + 5)))
    resolution = await _resolver(first=zone).resolve()
    assert len(resolution.instances) == MAX_INSTANCES
    assert resolution.remarks == (f"5 of {MAX_INSTANCES + 5} instances are beyond the {MAX_INSTANCES} kept",)


async def test_the_search_goes_on_where_there_is_nothing() -> None:
    zone = Zone()
    zone.set(f"{NAME}.svc.cluster.local", "SRV", "0 1 80 a.example.")
    zone.set(f"{NAME}.default.svc.cluster.local", "TXT", "x")
    zone.set("a.example", "A", "10.0.0.1")
    config = replace(CONFIG, search=("default.svc.cluster.local", "svc.cluster.local", "cluster.local"), ndots=5)
    assert len((await _resolver(config, first=zone).resolve()).instances) == 1
    assert zone.asked("SRV") == [f"{NAME}.default.svc.cluster.local", f"{NAME}.svc.cluster.local"]


async def test_the_search_ends_where_a_server_fails() -> None:
    zone = _zone()
    zone.faults[f"{NAME}.wanted"] = Fault.SERVFAIL
    config = replace(CONFIG, search=("wanted",), ndots=5)
    assert "SERVFAIL" in await _failure(_resolver(config, first=zone))
    assert zone.asked("SRV") == [f"{NAME}.wanted"]


async def test_a_service_that_is_gone_from_where_it_was_is_gone_although_later_names_fail() -> None:
    here, later = f"{NAME}.here", f"{NAME}.later"
    zone = Zone(faults={later: Fault.REFUSED, NAME: Fault.SERVFAIL})
    zone.set("a.example", "A", "10.0.0.1")
    resolver = _resolver(replace(CONFIG, search=("here", "later"), ndots=5), first=zone)
    assert "REFUSED" in await _failure(resolver)  # nobody knows yet where it is
    zone.set(here, "SRV", "0 1 80 a.example.")
    assert len((await resolver.resolve()).instances) == 1
    zone.remove(here, "SRV")
    for _ in range(2):
        assert (await resolver.resolve()).instances == frozenset()
    zone.faults[here] = Fault.SERVFAIL
    assert "SERVFAIL" in await _failure(resolver)


async def test_questions_for_addresses_are_bounded() -> None:
    names = [f"t{n}.example" for n in range(100)]
    zone = _zone(*(f"0 1 80 {name}." for name in names))
    for n, name in enumerate(names):
        zone.set(name, "A", f"10.0.0.{n + 1}")
    under_way = most = 0
    plain = asking(first=zone)

    async def counting(query: QueryMessage, server: Nameserver, timeout: timedelta) -> Message:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await plain(query, server, timeout)
        finally:
            under_way -= 1

    resolver = SrvResolver(NAME, config=lambda: CONFIG, exchange=counting)
    assert len((await resolver.resolve()).instances) == 100
    assert most == 16


async def test_without_a_nameserver() -> None:
    assert "there is no nameserver" in await _failure(_resolver(DnsConfig(())))


def _chain(length: int, end: str) -> dict[Key, RRset]:
    zone = Zone()
    for n in range(length):
        zone.set(f"c{n}.example", "CNAME", f"c{n + 1}.example." if n + 1 < length else f"{end}.")
    return zone.records
