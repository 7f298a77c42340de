"""What a token must say (RFC 7519, 4.1): one check for all claims, whoever has checked the signature."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.identity.refusals import Cause, TokenRefused, malformed

MAX_SUBJECT_LENGTH = 255
"""OpenID Connect Core 1.0, section 2."""

_REQUIRED = ("iss", "aud", "sub", "exp")
_TIMES = ("exp", "nbf", "iat")


@dataclass(frozen=True, slots=True)
class Expectation:
    """The issuer and the audience that claims must name, and how far the issuer's clock may differ from ours."""

    issuer: str
    audience: str
    leeway: timedelta

    def check(self, claims: Mapping[str, Any], at: datetime) -> None:
        """Raises TokenRefused for claims that do not hold at `at`."""
        for name in _REQUIRED:
            if claims.get(name) is None:
                raise _refused(f"The token has no {name}.")
        _check_times(claims, at.timestamp(), self.leeway.total_seconds())
        if claims["iss"] != self.issuer:
            raise TokenRefused(Cause.ISSUER, "The token is from another issuer.")
        if self.audience not in _audiences(claims["aud"]):
            raise TokenRefused(Cause.AUDIENCE, "The token is for another audience.")
        _check_subject(claims["sub"])
        if not isinstance(claims.get("jti", ""), str):
            raise malformed()

    def seconds_left(self, claims: Mapping[str, Any], at: datetime) -> float:
        """How much longer checked claims hold."""
        remaining: float = claims["exp"] + self.leeway.total_seconds() - at.timestamp()
        return remaining


def parse_object(octets: bytes) -> Mapping[str, Any]:
    """The claims, or the header, of a token. Raises TokenRefused.

    A name that is there twice is refused: two readers of the token could take different ones.
    """
    try:
        found = json.loads(octets, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise malformed() from exc
    if not isinstance(found, dict):
        raise malformed()
    return found


def _unique(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check_times(claims: Mapping[str, Any], now: float, leeway: float) -> None:
    for name in _TIMES:
        if name in claims and not _is_time(claims[name]):
            raise _refused(f"The token's {name} is not a time.")
    if any(claims.get(name, now) > now + leeway for name in ("nbf", "iat")):
        raise TokenRefused(Cause.NOT_YET_VALID, "The token is not valid yet.")
    if claims["exp"] <= now - leeway:
        raise TokenRefused(Cause.EXPIRED, "The token has expired: get a new one.")


def _is_time(value: Any) -> bool:
    """Whether it is a NumericDate that a double holds exactly."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53


def _audiences(claim: Any) -> Sequence[str]:
    """None of a list that holds anything but text: it is no audience by RFC 7519."""
    entries = claim if isinstance(claim, list) else [claim]
    return entries if all(isinstance(entry, str) for entry in entries) else ()


def _check_subject(subject: Any) -> None:
    if not isinstance(subject, str):
        raise _refused("The token's sub is not a string.")
    if not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
        raise _refused(f"The token's sub is empty or longer than {MAX_SUBJECT_LENGTH} characters.")


def _refused(message: str) -> TokenRefused:
    return TokenRefused(Cause.CLAIMS, message)
