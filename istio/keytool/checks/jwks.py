"""What is wrong with a JWKS (RFC 7517) that is to verify tokens: pure, from its text to reasons and remedies."""

import base64
import binascii
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from keytool.checks.workloads import KEY_COMMAND

Fault = tuple[str, str]
"""What is wrong, what to do."""

PLACEHOLDER = "NO-KEYS-YET"
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES: Mapping[object, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
_ALGORITHMS: Mapping[str, frozenset[str]] = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "P-256": frozenset({"ES256"}),
    "P-384": frozenset({"ES384"}),
    "Ed25519": frozenset({"EdDSA"}),
}
_MAKE_NEW = f"fill it in: {KEY_COMMAND}"


def faults(text: str) -> Iterator[Fault]:
    """All that keeps these keys from verifying tokens, or makes them dangerous."""
    if text.strip() == PLACEHOLDER:
        yield "there are no keys yet", f"run {KEY_COMMAND}"
        return
    try:
        document = json.loads(text, object_pairs_hook=_without_doubles)
    except ValueError as exc:
        yield f"jwks is not JSON ({exc})", _MAKE_NEW
        return
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        yield "jwks has no list of keys", 'give {"keys": [...]} (RFC 7517)'
    elif not entries:
        yield "jwks has no key in it, so no token can hold", _MAKE_NEW
    else:
        yield from _entries_faults(entries)


def kids(text: str) -> frozenset[str]:
    """The names of the keys; empty for what is no JWKS."""
    try:
        entries = json.loads(text)["keys"]
        return frozenset(str(entry.get("kid")) for entry in entries)
    except (ValueError, KeyError, TypeError, AttributeError):
        return frozenset()


def _without_doubles(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Which of two members counts differs from reader to reader."""
    doubled = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
    if doubled:
        raise ValueError(f"the member {doubled[0]} is there twice")
    return dict(pairs)


def _entries_faults(entries: Sequence[object]) -> Iterator[Fault]:
    for place, entry in enumerate(entries):
        if isinstance(entry, dict):
            yield from ((f"key {entry.get('kid', place)}: {what}", remedy) for what, remedy in _key_faults(entry))
        else:
            yield f"key {place} is no object", "give a JWK"
    kids = Counter(entry.get("kid") for entry in entries if isinstance(entry, dict) and _is_kid(entry.get("kid")))
    for kid, times in kids.items():
        if times > 1:
            yield f"{times} keys have the kid {kid}", "keep one: which of them a token means cannot be told"


def _key_faults(key: Mapping[str, object]) -> Iterator[Fault]:
    private = sorted(_PRIVATE & set(key))
    if key.get("kty") == "oct":
        yield "is symmetric: who can verify with it can sign with it", "use RSA, EC or Ed25519"
        return
    if private:
        yield (
            f"holds its private part ({', '.join(private)}), which everybody who can read this file now has",
            "publish public members only, and replace the key",
        )
    if not _is_kid(key.get("kid")):
        yield "has no kid", "give it one (RFC 7638's thumbprint): without it a rotation cannot tell the keys apart"
    if key.get("use", "sig") != "sig":
        yield f"is for use {key['use']}", 'use a key for signatures ("use": "sig")'
    operations = key.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        yield "its key_ops do not say verify", 'leave key_ops out, or say ["verify"]'
    yield from _material_faults(key)


def _is_kid(kid: object) -> bool:
    return isinstance(kid, str) and kid != ""


def _material_faults(key: Mapping[str, object]) -> Iterator[Fault]:
    match key.get("kty"), key.get("crv"):
        case "RSA", _:
            kind = "RSA"
            yield from _rsa_faults(key)
        case "EC", "P-256" | "P-384" as curve:
            kind = str(curve)
            yield from _ec_faults(key)
        case "OKP", "Ed25519":
            kind = "Ed25519"
            yield from _ed25519_faults(key)
        case kty, curve:
            yield f"is of type {kty} {curve or ''}".rstrip(), "use RSA, EC with P-256 or P-384, or OKP with Ed25519"
            return
    if key.get("alg") is not None and key["alg"] not in _ALGORITHMS[kind]:
        yield f"alg {key['alg']} does not fit its type", f"say one of {', '.join(sorted(_ALGORITHMS[kind]))}"


def _rsa_faults(key: Mapping[str, object]) -> Iterator[Fault]:
    n, e = _number(key.get("n")), _number(key.get("e"))
    if n is None:
        yield "n is not base64url of a number", "copy the key anew, whole"
    elif not MIN_RSA_BITS <= n.bit_length() <= MAX_RSA_BITS:
        yield f"has {n.bit_length()} bits", f"use RSA of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits"
    elif n % 2 == 0:
        yield "n is even, so it is no product of two primes", "copy the key anew, whole"
    if e is None or e < 3 or e % 2 == 0:
        yield "e is not base64url of an odd number from 3", "use AQAB (65537)"


def _ec_faults(key: Mapping[str, object]) -> Iterator[Fault]:
    curve = _CURVES[key["crv"]]
    size = (curve.key_size + 7) // 8
    x, y = _bytes(key.get("x")), _bytes(key.get("y"))
    if x is None or y is None or len(x) != size or len(y) != size:
        yield f"x or y is not base64url of {size} bytes", "copy the key anew, whole"
        return
    try:
        ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve).public_key()
    except ValueError:
        yield f"x and y are no point of {key['crv']}", "copy the key anew, whole"


def _ed25519_faults(key: Mapping[str, object]) -> Iterator[Fault]:
    x = _bytes(key.get("x"))
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(x or b"")
    except ValueError:
        yield "x is not base64url of 32 bytes", "copy the key anew, whole"


def _number(value: object) -> int | None:
    octets = _bytes(value)
    return int.from_bytes(octets) if octets else None


def _bytes(value: object) -> bytes | None:
    """base64url without padding (RFC 7515, section 2), in its one canonical spelling."""
    if not isinstance(value, str):
        return None
    try:
        octets = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if base64.urlsafe_b64encode(octets).rstrip(b"=").decode() == value else None
