"""Private keys: made as the service takes them; what of them is public, and what it is called."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from domain.identity import development
from domain.identity.keys import ALGORITHMS, MIN_RSA_BITS, parse_keys
from keytool import keys
from keytool.keys import KeyType, SigningKey
from tests.fixtures.issuer import private_key


def holds(key: SigningKey) -> bool:
    """Whether the service's own reader of keys takes what the key signs."""
    token = jwt.encode({"sub": "someone"}, key.private, algorithm=key.algorithm)
    (public,) = parse_keys(json.dumps({"keys": [key.jwk]}))
    return jwt.decode(token, public.key, algorithms=list(public.algorithms)) == {"sub": "someone"}


@pytest.mark.parametrize(
    ("key_type", "algorithm"), [(KeyType.RSA, "RS256"), (KeyType.EC, "ES256"), (KeyType.ED25519, "EdDSA")]
)
def test_a_new_key_signs_what_the_service_takes(key_type: KeyType, algorithm: str) -> None:
    key = keys.make(key_type, 2048)
    assert key.algorithm == algorithm
    assert key.kid == keys.thumbprint(key.jwk)
    assert holds(key)


def test_rsa_is_as_large_as_asked_and_3072_bits_without() -> None:
    for key, bits in ((keys.make(KeyType.RSA), 3072), (keys.make(KeyType.RSA, 2048), 2048)):
        assert isinstance(key.private, rsa.RSAPrivateKey)
        assert key.private.key_size == bits


def test_a_private_key_is_not_in_what_is_shown_of_it() -> None:
    key = keys.make(KeyType.EC)
    assert repr(key) == f"SigningKey(kid={key.kid!r}, algorithm='ES256')"
    assert "d" not in key.jwk


@pytest.mark.parametrize("name", ["rsa", "p256", "ed25519"])
def test_the_public_pem_is_that_of_the_key(name: str) -> None:
    key = keys.signing_key(private_key(name))
    public = serialization.load_pem_public_key(keys.public_pem(key.jwk))
    assert public == private_key(name).public_key()


def test_the_thumbprint_of_rfc_7638() -> None:
    """Section 3.1: members beyond the required ones do not count."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    jwk = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert keys.thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_thumbprint_of_rfc_8037() -> None:
    """Appendix A.3."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert keys.thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_thumbprint_is_that_of_the_development_key() -> None:
    jwk = keys.signing_key(private_key("p256")).jwk
    assert keys.thumbprint(jwk) == development.thumbprint(dict(jwk))


def test_the_service_takes_every_algorithm_that_signs_here() -> None:
    assert keys.MIN_RSA_BITS == MIN_RSA_BITS
    for name in ("rsa", "p256", "p384", "ed25519"):
        for algorithm in keys.algorithms(private_key(name)):
            assert algorithm in ALGORITHMS
            assert holds(keys.signing_key(private_key(name), algorithm=algorithm))
