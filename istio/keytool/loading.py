"""Private keys as their owners keep them: PEM, encrypted or not, or JWK."""

import json
from collections.abc import Callable

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from keytool.errors import KeyRefused
from keytool.keys import SigningKey, signing_key

AskPassword = Callable[[], bytes]


def load(content: bytes, ask_password: AskPassword, *, kid: str | None = None) -> SigningKey:
    """The private key in a PEM or a JWK; `kid` wins over the JWK's own, the thumbprint serves where there is none.

    The password is asked only for an encrypted PEM. Raises KeyRefused.
    """
    if content.lstrip().startswith(b"{"):
        return _from_jwk(content, kid)
    return signing_key(_from_pem(content, ask_password), kid=kid)


def is_encrypted(pem: bytes) -> bool:
    """Whether a private key's PEM needs a password: PKCS #8, or the older headers of RFC 1421."""
    return b"ENCRYPTED" in pem


def _from_pem(content: bytes, ask_password: AskPassword) -> object:
    if b"PRIVATE KEY-----" not in content:
        raise KeyRefused("is neither a PEM private key nor a JWK", "a public key or a certificate cannot sign")
    if b"-----BEGIN OPENSSH" in content:
        raise KeyRefused("is in OpenSSH's own format", "convert a copy with `ssh-keygen -p -m PKCS8 -f COPY`")
    try:
        return serialization.load_pem_private_key(content, None)
    except TypeError:
        return _from_encrypted_pem(content, ask_password())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("cannot be read", "its PEM is damaged or of an unknown kind") from None


def _from_encrypted_pem(content: bytes, password: bytes) -> object:
    try:
        return serialization.load_pem_private_key(content, password)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise KeyRefused("cannot be decrypted", "the password is not the right one") from None


def _from_jwk(content: bytes, kid: str | None) -> SigningKey:
    jwk = _only_entry(content)
    if "d" not in jwk:
        raise KeyRefused("is a JWK without a private part (d)", "a public or a symmetric key cannot sign here")
    if jwk.get("use", "sig") != "sig":
        raise KeyRefused("is a JWK for another use than signatures", "use one that says sig")
    own_kid, algorithm = jwk.get("kid"), jwk.get("alg")
    if not isinstance(own_kid, str | None) or not isinstance(algorithm, str | None):
        raise KeyRefused("is a JWK whose kid or alg is no text", "put it right, or leave it out")
    return signing_key(_private_of(jwk), kid=kid or own_kid, algorithm=algorithm)


def _only_entry(content: bytes) -> dict[str, object]:
    """The JWK itself, or the only one of a JWKS."""
    try:
        document = json.loads(content)
    except ValueError:
        raise KeyRefused("is no JSON, though it begins like a JWK", "give a PEM or a whole JWK") from None
    entries = document.get("keys", [document])
    if not isinstance(entries, list) or len(entries) != 1 or not isinstance(entries[0], dict):
        raise KeyRefused("is a JWKS of none or several keys", "give the one JWK that signs")
    return entries[0]


def _private_of(jwk: dict[str, object]) -> object:
    readers = {"RSA": RSAAlgorithm.from_jwk, "EC": ECAlgorithm.from_jwk, "OKP": OKPAlgorithm.from_jwk}
    reader = readers.get(str(jwk.get("kty")))
    if reader is None:
        raise KeyRefused(f"is a JWK of type {jwk.get('kty')}", "use RSA, EC or OKP")
    try:
        return reader(jwk)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm):
        raise KeyRefused(
            "is a JWK whose numbers make no key", "its members are damaged or of an unknown curve"
        ) from None
