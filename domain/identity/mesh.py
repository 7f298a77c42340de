"""Claims that a sidecar has taken from a token which it checked: Envoy's payload header, and who may send it."""

import base64
import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Any

from domain.identity.claims import parse_object
from domain.identity.refusals import Cause, TokenRefused, malformed

HEADER = "x-jwt-payload"
MAX_PAYLOAD_LENGTH = 16_384

_PAYLOAD = re.compile(rb"[A-Za-z0-9_-]+")
_ISTIO_IPV6 = IPv6Address("::6")
"""From where Istio's sidecar calls over IPv6; over IPv4 it is 127.0.0.6, a loopback address like any other."""


def is_sidecar(host: str | None) -> bool:
    """Whether the TCP peer `host` is in the same network namespace: a pod's own containers, or this machine."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address == _ISTIO_IPV6


def forwarded_claims(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, Any] | None:
    """The claims in the payload header (base64url without padding, as Envoy writes it); None if there is none.

    Raises TokenRefused for two such headers, one that is too large, or one that holds no claims.
    """
    values = [value for name, value in headers if name.lower() == HEADER.encode()]
    if not values:
        return None
    if len(values) > 1:
        raise TokenRefused(Cause.MALFORMED, f"There is more than one {HEADER} header.")
    if len(values[0]) > MAX_PAYLOAD_LENGTH:
        raise TokenRefused(Cause.TOO_LARGE, f"{HEADER} is larger than 16 KiB.")
    return parse_object(_decoded(values[0].strip(b" \t")))


def _decoded(text: bytes) -> bytes:
    if not _PAYLOAD.fullmatch(text) or len(text) % 4 == 1:
        raise malformed()
    payload = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(payload).rstrip(b"=") != text:
        raise malformed()
    return payload
