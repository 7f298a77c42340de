"""What keeps a JWKS from verifying tokens, or makes it dangerous, is said."""

from typing import Any

import orjson
import pytest

from keytool.checks.jwks import faults
from tests.fixtures.issuer import jwk, jwks, private_jwk

RSA, EC, ED = jwk("rsa"), jwk("p256"), jwk("ed25519")
NOT_ON_THE_CURVE = {**EC, "y": EC["x"]}
PADDED = {**ED, "x": f"{ED['x']}="}
LAST = ED["x"][-1]
NOT_CANONICAL = {**ED, "x": ED["x"][:-1] + chr(ord(LAST) + 1)}

BAD_KEYS: list[tuple[Any, str]] = [
    ({**RSA, "n": "!!!"}, "key rsa: n is not base64url of a number"),
    ({**RSA, "n": None}, "n is not base64url of a number"),
    ({**RSA, "n": RSA["n"][:100]}, "bits: use RSA of 2048 to 8192 bits"),
    ({**RSA, "n": f"{RSA['n'][:-1]}A"}, "n is"),
    ({**RSA, "e": "AA"}, "e is not base64url of an odd number"),
    (jwk("rsa-1024"), "has 1024 bits"),
    (private_jwk("rsa"), "holds its private part (d, dp, dq, e"[:28]),
    (private_jwk("p256"), "holds its private part (d)"),
    ({"kty": "oct", "kid": "k", "k": "AAAA"}, "is symmetric"),
    ({**EC, "crv": "P-521"}, "is of type EC P-521"),
    ({**EC, "crv": "secp256k1"}, "is of type EC secp256k1"),
    (NOT_ON_THE_CURVE, "x and y are no point of P-256"),
    ({**EC, "x": "AAAA"}, "x or y is not base64url of 32 bytes"),
    (PADDED, "x is not base64url of 32 bytes"),
    (NOT_CANONICAL, "x is not base64url of 32 bytes"),
    ({**ED, "crv": "X25519"}, "is of type OKP X25519"),
    ({**RSA, "kty": "DSA"}, "is of type DSA"),
    ({**RSA, "kid": None}, "has no kid"),
    ({**RSA, "kid": ""}, "has no kid"),
    ({**RSA, "kid": 7}, "has no kid"),
    ({**RSA, "use": "enc"}, "is for use enc"),
    ({**RSA, "key_ops": ["sign"]}, "its key_ops do not say verify"),
    ({**RSA, "alg": "HS256"}, "alg HS256 does not fit its type"),
    ({**RSA, "alg": "ES256"}, "alg ES256 does not fit its type"),
    ({**EC, "alg": "ES384"}, "alg ES384 does not fit its type: say one of ES256"),
    ("a key", "key 0 is no object"),
]


@pytest.mark.parametrize(("key", "expected"), BAD_KEYS, ids=[expected for _, expected in BAD_KEYS])
def test_a_key_that_is_refused(key: Any, expected: str) -> None:
    said = [what + ": " + remedy for what, remedy in faults(jwks(key))]
    assert any(expected in fault for fault in said), said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NO-KEYS-YET", "there are no keys yet"),
        ("not json", "jwks is not JSON"),
        ("", "jwks is not JSON"),
        ("[]", "jwks has no list of keys"),
        ("{}", "jwks has no list of keys"),
        ('{"keys": {}}', "jwks has no list of keys"),
        ('{"keys": []}', "jwks has no key in it"),
        ('{"keys": [], "keys": []}', "the member keys is there twice"),
    ],
)
def test_what_is_no_set_of_keys(text: str, expected: str) -> None:
    (fault,) = faults(text)
    assert expected in fault[0]


def test_two_keys_of_one_name() -> None:
    ((what, _),) = faults(jwks(jwk("rsa"), jwk("p256", kid="rsa")))
    assert what == "2 keys have the kid rsa"


def test_good_keys_have_no_fault() -> None:
    keys = [jwk(name) for name in ("rsa", "rsa-other", "p256", "p384", "ed25519")]
    assert list(faults(orjson.dumps({"keys": keys}).decode())) == []
    assert list(faults(jwks(jwk("rsa", use=None), jwk("p256", alg="ES256", key_ops=["verify"])))) == []
