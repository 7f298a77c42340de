"""Private keys: made, refused if weak; and their public halves as JWK (RFC 7517)."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from keytool.errors import KeyRefused

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Jwk = Mapping[str, object]

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
DEFAULT_RSA_BITS = 3072
"""NIST SP 800-57 part 1: as strong as P-256."""
MIN_RSA_EXPONENT = 65537
"""FIPS 186-5, appendix A.1.1."""

_RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384"}
_REQUIRED_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


class KeyType(StrEnum):
    RSA = "rsa"
    EC = "ec"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, the `kid` that its tokens carry, and the algorithm that they are signed with."""

    private: PrivateKey
    kid: str
    algorithm: str

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r}, algorithm={self.algorithm!r})"

    @property
    def jwk(self) -> dict[str, object]:
        """The public half, for a JWKS."""
        return {"kid": self.kid, "use": "sig", "alg": self.algorithm, **_public_members(self.private)}

    def private_pem(self, password: bytes | None = None) -> bytes:
        """PKCS #8, encrypted where a password is given."""
        protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def make(key_type: KeyType, bits: int = DEFAULT_RSA_BITS) -> SigningKey:
    """A new key: RSA of `bits`, EC on P-256, or Ed25519; its thumbprint is its `kid`."""
    match key_type:
        case KeyType.RSA:
            return signing_key(rsa.generate_private_key(public_exponent=MIN_RSA_EXPONENT, key_size=bits))
        case KeyType.EC:
            return signing_key(ec.generate_private_key(ec.SECP256R1()))
        case KeyType.ED25519:
            return signing_key(ed25519.Ed25519PrivateKey.generate())


def signing_key(private: object, *, kid: str | None = None, algorithm: str | None = None) -> SigningKey:
    """Raises KeyRefused for a type, size, curve or algorithm that Envoy or the service would not take."""
    fitting = algorithms(private)
    if not isinstance(private, PrivateKey) or not fitting:
        raise KeyRefused("is of a kind that is not taken", "use RSA, EC on P-256 or P-384, or Ed25519")
    if algorithm is not None and algorithm not in fitting:
        raise KeyRefused(f"says alg {algorithm}", f"a key of its type signs with {', '.join(fitting)}")
    if kid is not None and not kid.strip():
        raise KeyRefused("has an empty kid", "leave it out, or give it a name")
    return SigningKey(private, kid or thumbprint(_public_members(private)), algorithm or fitting[0])


def algorithms(private: object) -> Sequence[str]:
    """All that a key may sign with, the usual one first; none for another kind of key. Raises KeyRefused if weak."""
    match private:
        case rsa.RSAPrivateKey():
            _check_rsa(private)
            return _RSA_ALGORITHMS
        case ec.EllipticCurvePrivateKey() if private.curve.name in _CURVES:
            return (_CURVES[private.curve.name],)
        case ed25519.Ed25519PrivateKey():
            return ("EdDSA",)
    return ()


def thumbprint(jwk: Jwk) -> str:
    """RFC 7638: the SHA-256 of the required members in lexicographic order, base64url without padding.

    The members are those of RFC 7638, section 3.2, and for OKP of RFC 8037, section 2.
    """
    members = {name: jwk[name] for name in _REQUIRED_MEMBERS[str(jwk["kty"])]}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(canonical.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def public_pem(jwk: Jwk) -> bytes:
    """The public key of a JWK as PEM (SubjectPublicKeyInfo)."""
    pem: bytes = jwt.PyJWK(dict(jwk)).key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem


def _check_rsa(key: rsa.RSAPrivateKey) -> None:
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise KeyRefused(f"is RSA with {key.key_size} bits", f"use {MIN_RSA_BITS} to {MAX_RSA_BITS}")
    exponent = key.public_key().public_numbers().e
    if exponent < MIN_RSA_EXPONENT:
        raise KeyRefused(f"has the public exponent {exponent}", f"use {MIN_RSA_EXPONENT}")


def _public_members(private: PrivateKey) -> dict[str, object]:
    match private:
        case rsa.RSAPrivateKey():
            jwk = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
        case ec.EllipticCurvePrivateKey():
            jwk = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        case ed25519.Ed25519PrivateKey():
            jwk = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return {name: jwk[name] for name in _REQUIRED_MEMBERS[jwk["kty"]]}
