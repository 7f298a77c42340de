"""The URL of a peer: its instances are found by DNS or, for development and tests, listed by the URL or a file."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import dns.inet

from domain.peers.address import parse_address
from domain.peers.dns.config import DnsConfig, Nameserver, read
from domain.peers.dns.resolver import SrvResolver
from domain.peers.file import FileResolver
from domain.peers.resolver import Resolver
from domain.peers.static import StaticResolver, parse_list

FORMS = "srv://_graphql._tcp.posts.default.svc, static://host:port,host:port or file:///path"


def resolver_for(url: str) -> Resolver:
    """`srv://` takes `?nameserver=address:port`, once or more: servers to ask instead of this machine's.

    Raises ValueError that says what to do.
    """
    scheme, _, rest = url.partition("://")
    try:
        match scheme:
            case "srv":
                return _srv(rest)
            case "static":
                return StaticResolver(parse_list(rest))
            case "file":
                return FileResolver(_absolute(unquote(rest)))
    except ValueError as exc:
        raise ValueError(f"{url!r} cannot be the URL of a peer: {exc}. Write {FORMS}.") from exc
    raise ValueError(f"{url!r} cannot be the URL of a peer. Write {FORMS}.")


def _srv(rest: str) -> SrvResolver:
    name, _, query = rest.partition("?")
    if "/" in name or ":" in name:
        raise ValueError(f"{name!r} has more than a name: SRV records have the ports")
    servers = tuple(_nameservers(parse_qsl(query, keep_blank_values=True, strict_parsing=query != "")))
    if not servers:
        return SrvResolver(name)

    def config() -> DnsConfig:
        return replace(read(), nameservers=servers)

    return SrvResolver(name, config=config)


def _nameservers(parameters: Iterable[tuple[str, str]]) -> Iterable[Nameserver]:
    for key, value in parameters:
        if key != "nameserver":
            raise ValueError(f"there is no parameter {key!r}")
        host, port = parse_address(value)
        if not dns.inet.is_address(host):
            raise ValueError(f"the nameserver {host!r} is not an IP address")
        yield Nameserver(host, port)


def _absolute(path: str) -> Path:
    if not path.startswith("/") or path == "/":
        raise ValueError("it needs three slashes and an absolute path")
    return Path(path)
