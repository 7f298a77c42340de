"""Which keys of a JWKS may check a token."""

from typing import Any

import pytest

from domain.identity.keys import KeysUnavailable, matching, parse_keys
from tests.fixtures.issuer import jwk, jwks, private_jwk

GOOD = jwk("rsa")


@pytest.mark.parametrize(
    ("entry", "algorithms"),
    [
        (jwk("rsa"), {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        (jwk("rsa", alg="PS384"), {"PS384"}),
        (jwk("rsa", use=None), {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        (jwk("p256", key_ops=["verify"]), {"ES256"}),
        (jwk("p384"), {"ES384"}),
        (jwk("ed25519", alg="EdDSA"), {"EdDSA"}),
        (jwk("p256", kid=None), {"ES256"}),
    ],
)
def test_a_usable_key_has_the_algorithms_of_its_type(entry: dict[str, Any], algorithms: set[str]) -> None:
    (key,) = parse_keys(jwks(entry))
    assert key.algorithms == algorithms
    assert key.kid == entry.get("kid")


REFUSED: dict[str, Any] = {
    "symmetric": {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "s"},
    "for encryption": jwk("rsa", use="enc"),
    "use is a list": jwk("rsa", use=["sig"]),
    "operations without verify": jwk("rsa", key_ops=["encrypt"]),
    "operations not a list": jwk("rsa", key_ops="verify"),
    "RSA of 1024 bits": jwk("rsa-1024"),
    "P-521": jwk("p521"),
    "private RSA": private_jwk("rsa"),
    "private EC": private_jwk("p256"),
    "private Ed25519": private_jwk("ed25519"),
    "HS256 for RSA": jwk("rsa", alg="HS256"),
    "none for RSA": jwk("rsa", alg="none"),
    "alg is a list": jwk("rsa", alg=["RS256"]),
    "algorithm of another type": jwk("rsa", alg="ES256"),
    "algorithm of another curve": jwk("p256", alg="ES384"),
    "RSA-OAEP": jwk("rsa", alg="RSA-OAEP"),
    "kid is a number": jwk("rsa", kid=5),
    "no modulus": jwk("rsa", n=None),
    "modulus is a number": jwk("rsa", n=5),
    "modulus is no base64": jwk("rsa", n="é"),
    "a point off the curve": jwk("p256", x=jwk("p256")["y"]),
    "an unknown curve": jwk("p256", crv="P-255"),
    "a short Ed25519": jwk("ed25519", x="AAAA"),
    "an unknown type": {"kty": "LWE", "kid": "q"},
    "no type": {},
    "not an object": "rsa",
    "null": None,
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_key_that_must_not_check_tokens_is_left_out(name: str) -> None:
    assert [key.kid for key in parse_keys(jwks(REFUSED[name], GOOD))] == ["rsa"]
    with pytest.raises(KeysUnavailable) as refusal:
        parse_keys(jwks(REFUSED[name]))
    assert refusal.value.message == (
        "The issuer's keys are not available (the JWKS has no usable key): try again in a moment."
    )
    assert refusal.value.code == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the JWKS is not JSON"),
        (b"\xff", "the JWKS is not JSON"),
        ("<html>", "the JWKS is not JSON"),
        ("[" * 100_000, "the JWKS is not JSON"),
        ("[]", "the JWKS has no list of keys"),
        ("{}", "the JWKS has no list of keys"),
        ('{"keys": {"kty": "RSA"}}', "the JWKS has no list of keys"),
        ('{"keys": []}', "the JWKS has no usable key"),
    ],
)
def test_what_is_no_jwks_says_why(text: str | bytes, reason: str) -> None:
    with pytest.raises(KeysUnavailable) as refusal:
        parse_keys(text)
    assert refusal.value.reason == reason


def test_matching_by_kid() -> None:
    keys = parse_keys(jwks(jwk("rsa"), jwk("p256", kid="rsa"), jwk("p384", kid=None)))
    assert matching(keys, "rsa") == keys[:2]
    assert matching(keys, "other") == ()
    assert matching(keys, None) == ()
    assert matching(keys[2:], None) == keys[2:]
    assert matching(keys[2:], "rsa") == ()
