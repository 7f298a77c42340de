"""Signed tokens (RFC 7519)."""

import jwt

from keytool.claims import Claims
from keytool.errors import ClaimRefused
from keytool.keys import SigningKey

MAX_TOKEN_LENGTH = 16_384
"""The service's limit; proxies' own limits on all headers together are above it."""


def sign(claims: Claims, key: SigningKey) -> str:
    """A compact JWS whose header names the key. Raises ClaimRefused if it is longer than the service takes."""
    token = jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid})
    if len(token) > MAX_TOKEN_LENGTH:
        raise ClaimRefused(
            "The token", f"is {len(token)} bytes long, and {MAX_TOKEN_LENGTH} are taken: leave claims out"
        )
    return token
