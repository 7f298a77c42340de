"""Which full names a name may stand for: search domains and ndots, as resolv.conf(5) has it."""

from collections.abc import Iterator, Sequence

import dns.exception
import dns.name


def parse_name(text: str) -> dns.name.Name:
    """The name as written: absolute only with a dot at its end. Raises ValueError if DNS could not hold it."""
    try:
        name = dns.name.from_text(text, origin=None)
    except (dns.exception.DNSException, UnicodeError) as exc:
        raise ValueError(f"{text!r} is not a DNS name: {exc}") from exc
    if len(name) == 0 or name == dns.name.root:
        raise ValueError("a DNS name is missing")
    return name


def candidates(name: dns.name.Name, search: Sequence[str], ndots: int) -> tuple[dns.name.Name, ...]:
    """The absolute names to ask for, in order.

    A name with at least `ndots` dots is asked for as it is before it is searched for, one with fewer after.
    """
    if name.is_absolute():
        return (name,)
    searched = list(_under(name, search))
    as_it_is = [name.concatenate(dns.name.root)]
    dots = len(name) - 1
    ordered = [*as_it_is, *searched] if dots >= ndots else [*searched, *as_it_is]
    return tuple(dict.fromkeys(ordered))


def _under(name: dns.name.Name, search: Sequence[str]) -> Iterator[dns.name.Name]:
    """A search domain that is no name, or makes one that is too long, is passed over."""
    for domain in search:
        try:
            yield name.concatenate(dns.name.from_text(domain))
        except (dns.exception.DNSException, UnicodeError):
            continue
