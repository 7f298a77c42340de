"""`host:port` as people write it, an IPv6 address in brackets."""

import ipaddress
import re

_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[^]]*)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>[0-9]{1,5})")


def parse_address(text: str) -> tuple[str, int]:
    """Raises ValueError that says what is wrong."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not host:port, like posts.example:8080 or [::1]:8080")
    port = int(match["port"])
    if not 1 <= port <= 65535:
        raise ValueError(f"{text!r} has the port {port}: use one from 1 to 65535")
    if match["ipv6"] is None:
        return match["host"], port
    return str(ipaddress.IPv6Address(match["ipv6"])), port
