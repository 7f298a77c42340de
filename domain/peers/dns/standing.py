"""Which addresses stand for each target after a look: those found, or the last known while they cannot be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

import dns.name

from domain.peers.dns.addresses import Addresses
from domain.peers.dns.client import LookupFailed

INCOMPLETE_TTL = 5  # seconds until targets that could not be asked for are tried again

Known = Mapping[dns.name.Name, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Addresses by target, the seconds for which they hold, and remarks on what is missing or old."""

    addresses: Known
    ttl: int
    remarks: tuple[str, ...]


def settle(found: Mapping[dns.name.Name, Addresses | LookupFailed], known: Known, ttl: int) -> Standing:
    """`ttl` is that of the targets. Raises LookupFailed if there is no address and not all targets could be asked."""
    addresses: dict[dns.name.Name, tuple[str, ...]] = {}
    remarks: list[str] = []
    for name, result in sorted(found.items()):
        text = name.to_text(omit_final_dot=True)
        if isinstance(result, Addresses):
            addresses[name] = result.addresses
            ttl = min(ttl, result.ttl)
            remarks += [] if result.addresses else [f"{text} has no address"]
        else:
            addresses[name] = known.get(name, ())
            ttl = min(ttl, INCOMPLETE_TTL)
            what = "its last known addresses stand" if addresses[name] else "it is left out"
            remarks.append(f"{text}: {what} ({result.reason})")
    failures = [result for result in found.values() if isinstance(result, LookupFailed)]
    if failures and not any(addresses.values()):
        raise failures[0]
    return Standing(addresses, ttl, tuple(remarks))
