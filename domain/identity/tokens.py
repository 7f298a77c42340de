"""From the Authorization header to the caller: bearer tokens (RFC 6750) that are signed JWTs (RFC 7519, 8725)."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import jwt
from jwt.exceptions import InvalidSubjectError

from domain.clock import Clock, now
from domain.errors import Unauthenticated
from domain.identity.caller import Caller
from domain.identity.jwks import KeySource
from domain.identity.keys import ALGORITHMS, VerificationKey
from domain.identity.rights import granted_by_claims
from domain.identity.token_cache import TokenCache

MAX_TOKEN_LENGTH = 16_384
MAX_SUBJECT_LENGTH = 255
"""OpenID Connect Core 1.0, section 2."""

_REMEMBERED_SECONDS = 60.0
_REQUIRED = ("iss", "aud", "sub", "exp")
_CREDENTIALS = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)

_REASONS: Sequence[tuple[type[jwt.PyJWTError], str]] = (
    (jwt.ExpiredSignatureError, "The token has expired: get a new one."),
    (jwt.ImmatureSignatureError, "The token is not valid yet."),
    (jwt.InvalidIssuerError, "The token is from another issuer."),
    (jwt.InvalidAudienceError, "The token is for another audience."),
    (jwt.InvalidSignatureError, "The token's signature does not hold."),
    (InvalidSubjectError, "The token's sub is not a string."),
)


def bearer_token(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """The token of a request's headers (ASGI's pairs); None if there is no Authorization header.

    Raises Unauthenticated for two such headers, another scheme, or no token after the scheme.
    """
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if not values:
        return None
    if len(values) > 1:
        raise Unauthenticated("There is more than one Authorization header: send one.")
    found = _CREDENTIALS.fullmatch(values[0].strip(b" \t"))
    if found is None:
        raise Unauthenticated("The Authorization header is not understood: send `Bearer` and a token.")
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
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway
        self._roles_claim = roles_claim
        self._role_scopes = role_scopes or {}
        self._clock = clock
        self._verified = TokenCache(monotonic=monotonic)

    async def verify(self, token: str) -> Caller:
        """The caller of a token that holds. Raises Unauthenticated, saying what is wrong without showing the token."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise Unauthenticated("The token is larger than 16 KiB.")
        if not token.isascii():
            raise _malformed()
        known = self._verified.get(token)
        if known is not None:
            return known
        kid, algorithm = _header(token)
        key = _fitting(await self.keys.find(kid), algorithm)
        claims = self._claims(token, key, algorithm)
        caller = Caller(_subject(claims), granted_by_claims(claims, self._roles_claim, self._role_scopes))
        remaining = claims["exp"] + self._leeway.total_seconds() - self._clock().timestamp()
        self._verified.put(token, caller, seconds=min(_REMEMBERED_SECONDS, remaining))
        return caller

    async def aclose(self) -> None:
        await self.keys.aclose()

    def _claims(self, token: str, key: VerificationKey, algorithm: str) -> Mapping[str, Any]:
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": list(_REQUIRED), "enforce_minimum_key_length": True},
            )
        except jwt.MissingRequiredClaimError as exc:
            raise Unauthenticated(f"The token has no {exc.claim}.") from exc
        except jwt.PyJWTError as exc:
            raise _refusal(exc) from exc
        for name in ("exp", "nbf", "iat"):
            if name in claims and not _is_time(claims[name]):
                raise Unauthenticated(f"The token's {name} is not a time.")
        return claims


def _header(token: str) -> tuple[str | None, str]:
    """`kid` and `alg` of a token; its other ways to name a key (jku, jwk, x5u, x5c) are never looked at."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as exc:
        raise _malformed() from exc
    if "crit" in header or "b64" in header:
        raise Unauthenticated("The token asks for extensions that are not supported.")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise Unauthenticated(f"The token's algorithm is refused: sign with one of {', '.join(sorted(ALGORITHMS))}.")
    return header.get("kid"), algorithm


def _fitting(keys: Sequence[VerificationKey], algorithm: str) -> VerificationKey:
    if not keys:
        raise Unauthenticated("The token is signed with an unknown key.")
    for key in keys:
        if algorithm in key.algorithms:
            return key
    raise Unauthenticated("The token's algorithm does not fit its key.")


def _is_time(value: Any) -> bool:
    """Whether it is a NumericDate; PyJWT also takes text, booleans and numbers of any size."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53


def _subject(claims: Mapping[str, Any]) -> str:
    subject: str = claims["sub"]
    if not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
        raise Unauthenticated(f"The token's sub is empty or longer than {MAX_SUBJECT_LENGTH} characters.")
    return subject


def _refusal(exc: jwt.PyJWTError) -> Unauthenticated:
    for kind, reason in _REASONS:
        if isinstance(exc, kind):
            return Unauthenticated(reason)
    return _malformed()


def _malformed() -> Unauthenticated:
    return Unauthenticated("The token is malformed.")
