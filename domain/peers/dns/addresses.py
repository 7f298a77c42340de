"""The addresses of targets: from the additional section where they came along, asked for where not."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rrset

from domain.peers.dns.answer import Answer
from domain.peers.dns.client import DnsClient, LookupFailed

MAX_AT_ONCE = 16  # questions under way for the addresses of one peer
FAMILIES = (dns.rdatatype.A, dns.rdatatype.AAAA)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Of one target, possibly none, for `ttl` seconds."""

    addresses: tuple[str, ...]
    ttl: int


async def look_up(
    client: DnsClient, names: Collection[dns.name.Name], additional: Sequence[dns.rrset.RRset]
) -> Mapping[dns.name.Name, Addresses | LookupFailed]:
    """Each name once. A name with addresses of both families counts with its IPv4 ones: they lead to one process."""
    found: dict[dns.name.Name, Addresses | LookupFailed] = dict(_came_along(names, additional))
    places = asyncio.Semaphore(MAX_AT_ONCE)

    async def one(name: dns.name.Name) -> None:
        async with places:
            try:
                found[name] = await _ask(client, name)
            except LookupFailed as exc:
                found[name] = exc

    async with asyncio.TaskGroup() as lookups:
        for name in set(names) - found.keys():
            lookups.create_task(one(name))
    return found


def _came_along(
    names: Collection[dns.name.Name], additional: Iterable[dns.rrset.RRset]
) -> Mapping[dns.name.Name, Addresses]:
    wanted = set(names)
    found: dict[dns.name.Name, Addresses] = {}
    records = [record for record in additional if record.name in wanted and record.rdclass == dns.rdataclass.IN]
    for family in reversed(FAMILIES):
        found |= {record.name: Addresses(_texts(record), record.ttl) for record in records if record.rdtype == family}
    return found


async def _ask(client: DnsClient, name: dns.name.Name) -> Addresses:
    answer = await client.ask(name, FAMILIES[0])
    ttl = answer.ttl
    if answer.records is None and answer.exists:
        answer = await client.ask(name, FAMILIES[1])
        ttl = min(ttl, answer.ttl)
    return Addresses(_texts_of(answer), ttl)


def _texts_of(answer: Answer) -> tuple[str, ...]:
    return () if answer.records is None else _texts(answer.records)


def _texts(records: dns.rrset.RRset) -> tuple[str, ...]:
    return tuple(
        record.address for record in records if isinstance(record, dns.rdtypes.IN.A.A | dns.rdtypes.IN.AAAA.AAAA)
    )
