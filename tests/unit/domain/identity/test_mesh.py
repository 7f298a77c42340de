"""Who may hand over claims, and how they are read."""

import base64
import contextlib
from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.mesh import HEADER, forwarded_claims, is_sidecar
from domain.identity.refusals import Cause, TokenRefused
from tests.fixtures import issuer


def encoded(payload: bytes) -> bytes:
    return base64.urlsafe_b64encode(payload).rstrip(b"=")


def header(value: bytes, name: str = HEADER) -> Sequence[tuple[bytes, bytes]]:
    return [(b"host", b"users.example.com"), (name.encode(), value)]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.6", "127.255.255.254", "::1", "::6", "::ffff:127.0.0.6", "0:0:0:0:0:0:0:1"]
)
def test_the_sidecar_calls_from_the_same_pod(host: str) -> None:
    assert is_sidecar(host)


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.7", "128.0.0.1", "126.255.255.255", "0.0.0.0", "192.168.0.1", "169.254.1.1", "::", "::2", "::7"),
        *("fe80::1", "fd00::1", "::ffff:10.0.0.7", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("localhost", "127.0.0.1, 10.0.0.7", "127.1", "0x7f000001", "127.0.0.1:80", " 127.0.0.1", "", None),
    ],
)
def test_nobody_else_is_the_sidecar(host: str | None) -> None:
    assert not is_sidecar(host)


@pytest.mark.parametrize("filler", ["", "x", "xx"], ids=["no padding", "one less", "two less"])
def test_claims_are_read_as_envoy_writes_them(filler: str) -> None:
    claims = issuer.claims(filler=filler)
    assert forwarded_claims(header(encoded(orjson.dumps(claims)))) == claims


def test_the_name_of_the_header_has_no_case() -> None:
    assert forwarded_claims(header(encoded(b"{}"), "X-JWT-Payload")) == {}


def test_no_header_is_no_claims() -> None:
    assert forwarded_claims([(b"x-jwt-payload-2", encoded(b"{}"))]) is None


_RIGHT = encoded(orjson.dumps(issuer.claims()))
GARBAGE = {
    "empty": b"",
    "not base64url": b"!!!!",
    "base64 of the other alphabet": b"e30+",
    "padded": base64.urlsafe_b64encode(b'{"a":1}'),
    "a length that none has": b"e30e3",
    "unused bits": b"e31",
    "two in one": _RIGHT + b"," + _RIGHT,
    "a whole token": b"e30." + _RIGHT + b".x",
    "JSON itself": b'{"sub":"x"}',
    "not JSON": encoded(b"sub=x"),
    "not UTF-8": encoded(b'{"sub":"\xff"}'),
    "a list": encoded(b"[]"),
    "a text": encoded(b'"x"'),
    "deep": encoded(b"[" * 9000),
    "a claim twice": encoded(b'{"sub":"a","sub":"b"}'),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused(name: str) -> None:
    with pytest.raises(TokenRefused) as refusal:
        forwarded_claims(header(GARBAGE[name]))
    assert (refusal.value.cause, refusal.value.message) == (Cause.MALFORMED, "The token is malformed.")


def test_two_headers_are_refused() -> None:
    with pytest.raises(TokenRefused, match="more than one x-jwt-payload"):
        forwarded_claims([*header(_RIGHT), *header(_RIGHT, "X-Jwt-Payload")])


def test_a_large_header_is_refused_unread() -> None:
    with pytest.raises(TokenRefused) as refusal:
        forwarded_claims(header(b"A" * 16_385))
    assert refusal.value.cause is Cause.TOO_LARGE


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(value: bytes) -> None:
    with contextlib.suppress(TokenRefused):
        forwarded_claims(header(value))
