"""Signed tokens: the service takes them, and those that it would not take are not made."""

import time

import jwt
import pytest

from domain.identity.caller import Caller, Right
from domain.identity.tokens import MAX_TOKEN_LENGTH
from keytool import tokens
from keytool.errors import ClaimRefused
from keytool.keys import signing_key
from tests.fixtures.issuer import AUDIENCE, ISSUER, private_key, verifier

NAMES = ("rsa", "p256", "p384", "ed25519")


def claims() -> dict[str, object]:
    now = int(time.time())
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 60, "scope": "user:read"}


@pytest.mark.parametrize("name", NAMES)
async def test_the_service_takes_a_token(name: str) -> None:
    key = signing_key(private_key(name))
    checks = verifier(key.jwk)
    assert await checks.verify(tokens.sign(claims(), key)) == Caller("ada", frozenset({Right.READ}))


@pytest.mark.parametrize("name", NAMES)
def test_the_header_names_key_and_algorithm_and_nothing_else(name: str) -> None:
    key = signing_key(private_key(name))
    header = jwt.get_unverified_header(tokens.sign(claims(), key))
    assert header == {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}


def test_a_token_is_no_longer_than_the_service_takes() -> None:
    assert tokens.MAX_TOKEN_LENGTH == MAX_TOKEN_LENGTH
    with pytest.raises(ClaimRefused, match="16384 are taken: leave claims out"):
        tokens.sign({**claims(), "essay": "x" * MAX_TOKEN_LENGTH}, signing_key(private_key("p256")))
