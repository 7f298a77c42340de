"""From the Authorization header to the caller: bearer tokens (RFC 6750) that are signed JWTs (RFC 7519, 8725)."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import jwt
from jwt.utils import base64url_decode

from domain.clock import Clock, now
from domain.identity.caller import Caller
from domain.identity.claims import Expectation, parse_object
from domain.identity.jwks import KeySource
from domain.identity.keys import ALGORITHMS, VerificationKey
from domain.identity.refusals import Cause, TokenRefused, malformed
from domain.identity.rights import granted_by_claims
from domain.identity.token_cache import TokenCache

MAX_TOKEN_LENGTH = 16_384

_REMEMBERED_SECONDS = 60.0
_CREDENTIALS = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_SIGNATURES = jwt.PyJWS()


def bearer_token(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """The token of a request's headers (ASGI's pairs); None if there is no Authorization header.

    Raises TokenRefused for two such headers, another scheme, or no token after the scheme.
    """
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if not values:
        return None
    if len(values) > 1:
        raise TokenRefused(Cause.MALFORMED, "There is more than one Authorization header: send one.")
    found = _CREDENTIALS.fullmatch(values[0].strip(b" \t"))
    if found is None:
        raise TokenRefused(Cause.MALFORMED, "The Authorization header is not understood: send `Bearer` and a token.")
    return found[1].decode("ascii")


class TokenVerifier:
    """Checks tokens of one issuer for one audience, by that issuer's keys."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        keys: KeySource,
        leeway: timedelta = timedelta(seconds=60),
        roles_claim: str = "roles",
        role_scopes: Mapping[str, Sequence[str]] | None = None,
        clock: Clock = now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keys = keys
        self._expected = Expectation(issuer, audience, leeway)
        self._roles_claim = roles_claim
        self._role_scopes = role_scopes or {}
        self._clock = clock
        self._verified = TokenCache(monotonic=monotonic)
        self._generation = keys.generation

    async def verify(self, token: str) -> Caller:
        """The caller of a token that holds. Raises TokenRefused, saying what is wrong without showing the token."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenRefused(Cause.TOO_LARGE, "The token is larger than 16 KiB.")
        # A JWS has no padding (RFC 7515, 2); PyJWT would take it, and so give one token two spellings.
        if not token.isascii() or "=" in token:
            raise malformed()
        known = self._remembered(token)
        if known is not None:
            return known
        kid, algorithm = _header(token)
        key = _fitting(await self.keys.find(kid), algorithm)
        claims = parse_object(_signed_payload(token, key, algorithm))
        caller = self.accept(claims)
        remaining = self._expected.seconds_left(claims, self._clock())
        self._forget_old_keys()
        self._verified.put(token, caller, seconds=min(_REMEMBERED_SECONDS, remaining))
        return caller

    def accept(self, claims: Mapping[str, Any]) -> Caller:
        """The caller of claims whose signature holds. Raises TokenRefused for what they say."""
        self._expected.check(claims, self._clock())
        return Caller(claims["sub"], granted_by_claims(claims, self._roles_claim, self._role_scopes))

    async def aclose(self) -> None:
        await self.keys.aclose()

    def _remembered(self, token: str) -> Caller | None:
        self._forget_old_keys()
        return self._verified.get(token)

    def _forget_old_keys(self) -> None:
        """A key that was taken out must not live on in tokens that it once verified."""
        if self.keys.generation != self._generation:
            self._verified.clear()
            self._generation = self.keys.generation


def _signed_payload(token: str, key: VerificationKey, algorithm: str) -> bytes:
    try:
        payload: bytes = _SIGNATURES.decode(
            token, key.key, algorithms=[algorithm], options={"enforce_minimum_key_length": True}
        )
    except jwt.InvalidSignatureError as exc:
        raise TokenRefused(Cause.SIGNATURE, "The token's signature does not hold.") from exc
    except jwt.PyJWTError as exc:
        raise malformed() from exc
    return payload


def _header(token: str) -> tuple[str | None, str]:
    """`kid` and `alg` of a token; its other ways to name a key (jku, jwk, x5u, x5c) are never looked at."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as exc:
        raise malformed() from exc
    parse_object(base64url_decode(token.partition(".")[0]))
    if "crit" in header or "b64" in header:
        raise TokenRefused(Cause.MALFORMED, "The token asks for extensions that are not supported.")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        allowed = ", ".join(sorted(ALGORITHMS))
        raise TokenRefused(Cause.ALGORITHM, f"The token's algorithm is refused: sign with one of {allowed}.")
    return header.get("kid"), algorithm


def _fitting(keys: Sequence[VerificationKey], algorithm: str) -> VerificationKey:
    if not keys:
        raise TokenRefused(Cause.UNKNOWN_KEY, "The token is signed with an unknown key.")
    for key in keys:
        if algorithm in key.algorithms:
            return key
    raise TokenRefused(Cause.ALGORITHM, "The token's algorithm does not fit its key.")
