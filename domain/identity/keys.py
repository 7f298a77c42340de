"""The issuer's keys: from a JWKS (RFC 7517) to the public keys that may check a token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from domain.identity.refusals import Cause, TokenRefused

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

MIN_RSA_BITS = 2048
_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES = {"secp256r1": frozenset({"ES256"}), "secp384r1": frozenset({"ES384"})}
_EDWARDS = frozenset({"EdDSA"})
ALGORITHMS = _RSA | _EDWARDS | frozenset[str]().union(*_CURVES.values())
"""All that a token may be signed with: asymmetric signatures only."""


class KeysUnavailable(TokenRefused):
    """No token can be checked: the issuer's keys are not there, or are none that may be used."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            Cause.KEYS_UNAVAILABLE, f"The issuer's keys are not available ({reason}): try again in a moment."
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, its `kid`, and the algorithms that fit its type (one, if the JWKS says which)."""

    kid: str | None
    key: PublicKey
    algorithms: frozenset[str]


def parse_keys(text: str | bytes) -> Sequence[VerificationKey]:
    """The usable keys of a JWKS, at least one. Raises KeysUnavailable.

    Not usable, and left out: symmetric and private keys, those for another use than signatures, other algorithms
    than ALGORITHMS, RSA below 2048 bits.
    """
    try:
        document = orjson.loads(text)
    except ValueError:
        raise KeysUnavailable("the JWKS is not JSON") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise KeysUnavailable("the JWKS has no list of keys")
    keys = tuple(key for entry in entries if (key := _verification_key(entry)) is not None)
    if not keys:
        raise KeysUnavailable("the JWKS has no usable key")
    return keys


def matching(keys: Sequence[VerificationKey], kid: str | None) -> Sequence[VerificationKey]:
    """The keys with that `kid`; for a token without one, the only key there is, or none."""
    if kid is None:
        return keys if len(keys) == 1 else ()
    return tuple(key for key in keys if key.kid == kid)


def _verification_key(entry: Any) -> VerificationKey | None:
    if not _is_public_signing_key(entry):
        return None
    try:
        jwk = jwt.PyJWK(entry)
    except jwt.PyJWTError:
        return None
    algorithms = _algorithms(jwk.key)
    if entry.get("alg") is not None:
        algorithms &= {entry["alg"]}
    return VerificationKey(jwk.key_id, jwk.key, algorithms) if algorithms else None


def _is_public_signing_key(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    operations = entry.get("key_ops")
    return (
        entry.get("kty") in ("RSA", "EC", "OKP")
        and "d" not in entry
        and entry.get("use") in (None, "sig")
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and (entry.get("alg") is None or entry["alg"] in list(ALGORITHMS))
        and isinstance(entry.get("kid"), str | None)
    )


def _algorithms(key: Any) -> frozenset[str]:
    match key:
        case rsa.RSAPublicKey() if key.key_size >= MIN_RSA_BITS:
            return _RSA
        case ec.EllipticCurvePublicKey():
            return _CURVES.get(key.curve.name, frozenset())
        case ed25519.Ed25519PublicKey():
            return _EDWARDS
    return frozenset()
