"""What SRV records mean (RFC 2782): which targets can be used, and the instances that their addresses make."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import dns.name
import dns.rdtypes.IN.SRV
import dns.rrset

from domain.peers.instance import Instance
from domain.peers.resolver import MAX_INSTANCES


@dataclass(frozen=True, slots=True)
class Target:
    """Where the service listens, by name."""

    name: dns.name.Name
    port: int
    priority: int
    weight: int


@dataclass(frozen=True, slots=True)
class Targets:
    """Those to use, first priorities first, and remarks on those left out.

    Neither: the service is decidedly not available, which records say by the target "." alone.
    """

    used: tuple[Target, ...]
    remarks: tuple[str, ...]


def read_targets(records: dns.rrset.RRset) -> Targets:
    """At most MAX_INSTANCES targets, the same ones however the answer is ordered."""
    named = [target for target in _targets(records) if target.name != dns.name.root]
    usable = [target for target in named if target.port != 0]
    remarks = sorted(f"{_text(target.name)} has port 0" for target in named if target.port == 0)
    if len(usable) > MAX_INSTANCES:
        remarks.append(f"{len(usable) - MAX_INSTANCES} of {len(usable)} targets are beyond the {MAX_INSTANCES} kept")
    usable.sort(key=lambda target: (target.priority, target.name, target.port))
    return Targets(tuple(usable[:MAX_INSTANCES]), tuple(remarks))


def to_instances(targets: Iterable[Target], addresses: Mapping[dns.name.Name, Sequence[str]]) -> Iterator[Instance]:
    """One for each address of a target; each has the target's weight, as the target says nothing of one address."""
    for target in targets:
        for address in addresses.get(target.name, ()):
            yield Instance(address, target.port, target.priority, target.weight)


def _targets(records: dns.rrset.RRset) -> Iterator[Target]:
    for record in records:
        if isinstance(record, dns.rdtypes.IN.SRV.SRV):
            yield Target(record.target, record.port, record.priority, record.weight)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True)
