"""How this machine asks DNS: its resolv.conf(5), which in a pod is the kubelet's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import dns.inet

RESOLV_CONF = Path("/etc/resolv.conf")
MAX_NAMESERVERS = 3
_CAPS: Mapping[str, int] = {"ndots": 15, "timeout": 30, "attempts": 5}
"""The C library's caps; larger values count as these."""


@dataclass(frozen=True, slots=True)
class Nameserver:
    host: str
    port: int = 53

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """Nameservers in the order to ask, search domains, and when a name is searched: with fewer dots than `ndots`.

    `timeout` is how long one server may take for one try, `attempts` how often the whole list is gone through.
    """

    nameservers: tuple[Nameserver, ...] = (Nameserver("127.0.0.1"),)
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout: timedelta = timedelta(seconds=5)
    attempts: int = 2


def read(path: Path = RESOLV_CONF) -> DnsConfig:
    """What the file says; without one, the C library's defaults: the server on this machine."""
    try:
        return parse(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return DnsConfig()


def parse(text: str) -> DnsConfig:
    """As the C library reads it: the last `search` or `domain` counts, and lines that mean nothing are passed over."""
    servers: list[Nameserver] = []
    search: tuple[str, ...] = ()
    options: dict[str, int] = {}
    for line in text.splitlines():
        match line.split():
            case ["nameserver", address, *_] if dns.inet.is_address(address):
                servers.append(Nameserver(address))
            case ["domain", domain, *_]:
                search = (domain,)
            case ["search", *domains]:
                search = tuple(domains)
            case ["options", *words]:
                options.update(_options(words))
    return _config(servers, search, options)


def _options(words: list[str]) -> dict[str, int]:
    found = {}
    for word in words:
        name, _, value = word.partition(":")
        if name in _CAPS and value.isdecimal():
            found[name] = min(int(value), _CAPS[name])
    return found


def _config(servers: list[Nameserver], search: tuple[str, ...], options: Mapping[str, int]) -> DnsConfig:
    default = DnsConfig()
    config = replace(default, search=search, nameservers=tuple(servers[:MAX_NAMESERVERS]) or default.nameservers)
    return replace(
        config,
        ndots=options.get("ndots", default.ndots),
        timeout=timedelta(seconds=max(options.get("timeout", 0), 1)) if "timeout" in options else default.timeout,
        attempts=max(options.get("attempts", default.attempts), 1),
    )
