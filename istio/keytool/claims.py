"""What a token says: a payload and options become claims that every verifier takes, or a reason why not."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Never

from keytool.errors import ClaimRefused

Claims = dict[str, object]

DEFAULT_AUDIENCE = "user-service"
DEFAULT_TTL = timedelta(hours=1)
MAX_TTL = timedelta(days=366)
"""A token cannot be taken back: one that holds for years is a password that nobody can change."""
MAX_SUBJECT_LENGTH = 255
"""OpenID Connect Core 1.0, section 2."""
RESERVED = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "roles"})
"""Claims whose types are checked (RFC 7519, section 4.1; RFC 8693, section 4.2)."""


def read_payload(text: str) -> Claims:
    """The claims in a JSON object. Raises ClaimRefused for anything else, and for a name that is there twice."""
    try:
        payload = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        raise ClaimRefused("The payload", f"is no JSON: {exc}") from None
    if not isinstance(payload, dict):
        raise ClaimRefused("The payload", 'is no JSON object: give {"sub": "..."}')
    return payload


def read_claim(text: str) -> tuple[str, object]:
    """`NAME=VALUE`: the value as JSON where it is JSON, else as text. Raises ClaimRefused."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ClaimRefused("--claim", f"is not NAME=VALUE: {text!r}")
    if name in RESERVED:
        raise ClaimRefused("--claim", f"cannot set {name}: it has an option of its own")
    try:
        return name, json.loads(value, object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return name, value


def merged(payload: Mapping[str, object], options: Mapping[str, object]) -> Claims:
    """Both together. Raises ClaimRefused for a claim that they give different values."""
    for name, value in options.items():
        if name in payload and payload[name] != value:
            raise ClaimRefused(name, "is in the payload and an option says otherwise: give it once")
    return {**payload, **options}


def completed(given: Mapping[str, object], *, issuer: str | None, ttl: timedelta | None, at: datetime) -> Claims:
    """The claims of a token made now: what is missing is filled in, what is wrong is refused.

    `issuer` fills in `iss` where it is missing; `ttl` says when the token ends. Raises ClaimRefused.
    """
    now = int(at.timestamp())
    if ttl is not None and "exp" in given:
        raise ClaimRefused("exp", "is in the payload, and --ttl says when the token ends, too: give one of them")
    lifetime = int((ttl or DEFAULT_TTL).total_seconds())
    claims = {"aud": DEFAULT_AUDIENCE, "iat": now, "exp": now + lifetime, **given}
    if issuer is not None:
        claims.setdefault("iss", issuer)
    check(claims, now)
    return claims


def check(claims: Mapping[str, object], now: int) -> None:
    """Raises ClaimRefused for the first claim that is missing, of a wrong type, or at odds with the clock."""
    for name, remedy in (("sub", "give --sub, the user's id"), ("iss", "give --issuer, the URL of who signs")):
        if name not in claims:
            raise ClaimRefused(name, f"is missing: {remedy}")
    for name, is_right, expected in _TYPES:
        if name in claims and not is_right(claims[name]):
            raise ClaimRefused(name, f"must be {expected}")
    _check_times(claims, now)


def audiences(claims: Mapping[str, object]) -> Sequence[str]:
    """`aud` as a list, whichever of its two forms it has."""
    aud = claims["aud"]
    return [aud] if isinstance(aud, str) else [str(one) for one in aud] if isinstance(aud, list) else []


def expiry(claims: Mapping[str, object]) -> int:
    """The second, since 1970, from which on the token no longer holds."""
    exp = claims["exp"]
    if not isinstance(exp, int | float):
        raise TypeError("exp is checked before it is read")
    return int(exp)


def _check_times(claims: Mapping[str, object], now: int) -> None:
    ends, begins, issued = expiry(claims), claims.get("nbf"), claims["iat"]
    if ends <= now:
        raise ClaimRefused("exp", "is in the past: no verifier would take the token")
    if ends - now > MAX_TTL.total_seconds():
        raise ClaimRefused("exp", f"is more than {MAX_TTL.days} days away, and a token cannot be taken back")
    if isinstance(issued, int | float) and issued > now:
        raise ClaimRefused("iat", "is in the future: leave it out")
    if isinstance(begins, int | float) and begins >= ends:
        raise ClaimRefused("nbf", "is not before exp: the token would never hold")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable() and value == value.strip()


def _is_subject(value: object) -> bool:
    return isinstance(value, str) and _is_text(value) and len(value) <= MAX_SUBJECT_LENGTH


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_audience(value: object) -> bool:
    return _is_text(value) or (_is_list_of_text(value) and value != [])


def _is_scope(value: object) -> bool:
    return value == "" or _is_text(value) or _is_list_of_text(value)


_TYPES: Sequence[tuple[str, Callable[[object], bool], str]] = (
    ("sub", _is_subject, f"text of 1 to {MAX_SUBJECT_LENGTH} characters"),
    ("iss", _is_text, "text that is not empty, without blanks around it"),
    ("aud", _is_audience, "text, or a list of texts that is not empty"),
    ("exp", _is_time, "a number: seconds since 1970"),
    ("iat", _is_time, "a number: seconds since 1970"),
    ("nbf", _is_time, "a number: seconds since 1970"),
    ("jti", _is_text, "text"),
    ("scope", _is_scope, "words in one text, or a list of texts"),
    ("roles", _is_list_of_text, "a list of texts"),
)


def _unique(pairs: Iterable[tuple[str, object]]) -> Claims:
    members: Claims = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"{name} is there twice")
        members[name] = value
    return members


def _no_number(text: str) -> Never:
    raise ValueError(f"{text} is no number of JSON")
