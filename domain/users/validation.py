"""What a client's value for a field must be, and the one form in which it is kept."""

import math
import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

import email_validator
import orjson
import phonenumbers

from domain.errors import BadInput
from domain.users.fields import BY_NAME, Field, Kind
from domain.users.keys import is_storable

MAX_ROLES = 64
MAX_ATTRIBUTES_BYTES = 16_384
MAX_ATTRIBUTES_DEPTH = 8
MAX_NUMBER = 2**53
"""Up to here every integer is one that every JSON reader keeps exactly (RFC 8259, section 6)."""

_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LOCALE = re.compile(
    r"""
    (?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3})
    (?:-(?P<script>[a-z]{4}))?
    (?:-(?P<region>[a-z]{2}|[0-9]{3}))?
    (?P<rest>
        (?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*    # variants
        (?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*         # extensions
        (?:-x(?:-[a-z0-9]{1,8})+)?                  # private use
    )\Z
    """,
    re.VERBOSE,
)
"""A language tag in lower case (RFC 5646, section 2.1); no language has a subtag of more than three letters."""
_URL = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?\Z", re.ASCII)
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN_EMAIL = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@([a-zA-Z0-9.-]+)\Z")
"""A dot-atom in lower case (RFC 5321, section 4.1.2): upper case may have to be folded, as in POSTMASTER."""
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}\Z")


def check_id(id: str, field: str = "id") -> str:
    """`id` itself. Raises BadInput unless it is a ULID in its canonical spelling."""
    if not _ULID.match(id):
        raise BadInput(f"{field} must be a ULID: 26 characters of Crockford's base 32 in upper case.", field=field)
    return id


def check(field: Field, value: Any, *, phone_region: str) -> Any:
    """`value` as `field` keeps it. Raises BadInput, naming the field, if it cannot be one.

    `phone_region` (ISO 3166) is where a phone number without a country code is from. Null is not a value.
    """
    if field.kind is Kind.TEXT:
        text = _text(field, value)
        special = _SPECIAL.get(field.name)
        return special(text, phone_region) if special else text
    return _KINDS[field.kind](field, value)


def _text(field: Field, value: Any) -> str:
    name = field.name
    if not isinstance(value, str):
        raise BadInput(f"{name} must be a text.", field=name)
    if not value:
        raise BadInput(f"{name} must not be empty: leave it out, or set it to null to clear it.", field=name)
    if len(value) > field.max_length:
        raise BadInput(f"{name} has {len(value)} characters, at most {field.max_length} are allowed.", field=name)
    _refuse_invisible(name, value)
    if value != value.strip():
        raise BadInput(f"{name} must not begin or end with white space.", field=name)
    return value


def _refuse_invisible(name: str, text: str, *, what: str | None = None) -> None:
    if text.isascii() and text.isprintable():
        return
    for character in text:
        if unicodedata.category(character) in _REFUSED_CATEGORIES:
            raise BadInput(
                f"{what or name} contains U+{ord(character):04X}: control and invisible format characters are refused.",
                field=name,
            )


def _email(text: str, _: str) -> str:
    """Most addresses are plain and their domains repeat: then only a domain is looked into, and only once."""
    plain = _PLAIN_EMAIL.match(text)
    domain = _plain_domain(plain[2]) if plain else None
    return f"{plain[1]}@{domain}" if plain and domain else _any_email(text)


@lru_cache(4096)
def _plain_domain(domain: str) -> str | None:
    """The one form of a domain that is good and ASCII."""
    try:
        normalized = email_validator.validate_email(f"a@{domain}", check_deliverability=False).domain
    except email_validator.EmailNotValidError:
        return None
    return normalized if normalized.isascii() else None


def _any_email(text: str) -> str:
    try:
        return email_validator.validate_email(text, check_deliverability=False).normalized
    except email_validator.EmailNotValidError as exc:
        raise BadInput(f"email is not an e-mail address: {exc}", field="email") from None


def _phone(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise BadInput(
            f"phone is not a phone number: write it as +<country code><number>, "
            f"or set PHONE_REGION (now {region}) to where numbers without + are from.",
            field="phone",
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _locale(text: str, _: str) -> str:
    match = _LOCALE.match(text.replace("_", "-").lower())
    if match is None:
        raise BadInput("locale must be a language tag such as en, pt-BR or zh-Hant-TW (RFC 5646).", field="locale")
    language, script, region, rest = match.groups()
    tags = [language, script.title() if script else None, region.upper() if region else None]
    return "-".join(tag for tag in tags if tag) + rest


@cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _timezone(text: str, _: str) -> str:
    if text not in _timezones():
        raise BadInput("timezone must be a name of the IANA database, such as Europe/Berlin.", field="timezone")
    return text


def _picture_url(text: str, _: str) -> str:
    if not _URL.match(text):
        raise BadInput("pictureUrl must be an http or https address without credentials.", field="pictureUrl")
    return text


_SPECIAL: Mapping[str, Callable[[str, str], str]] = {
    "email": _email,
    "phone": _phone,
    "locale": _locale,
    "timezone": _timezone,
    "pictureUrl": _picture_url,
}


def _boolean(field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadInput(f"{field.name} must be true or false.", field=field.name)
    return value


def _texts(field: Field, value: Any) -> tuple[str, ...]:
    """A set of texts, in code point order."""
    if not isinstance(value, (list, tuple)) or len(value) > MAX_ROLES:
        raise BadInput(f"{field.name} must be a list of at most {MAX_ROLES} texts.", field=field.name)
    return tuple(sorted({_text(field, entry) for entry in value}))


def _object(field: Field, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInput(f"{field.name} must be a JSON object.", field=field.name)
    _check_json(field.name, value, 1)
    size = len(orjson.dumps(value))
    if size > MAX_ATTRIBUTES_BYTES:
        raise BadInput(
            f"{field.name} takes {size} bytes as JSON, at most {MAX_ATTRIBUTES_BYTES} are allowed.", field=field.name
        )
    return value


_KINDS: Mapping[Kind, Callable[[Field, Any], Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.TEXTS: _texts,
    Kind.OBJECT: _object,
}


def _check_json(name: str, value: Any, depth: int) -> None:
    """Raises BadInput for what is no JSON, or what not every store and reader keeps exactly."""
    if depth > MAX_ATTRIBUTES_DEPTH:
        raise BadInput(f"{name} is nested deeper than {MAX_ATTRIBUTES_DEPTH} levels.", field=name)
    match value:
        case Mapping():
            for key, item in value.items():
                _check_attribute_key(name, key)
                _check_json(name, item, depth + 1)
        case list():
            for item in value:
                _check_json(name, item, depth + 1)
        case _:
            _check_scalar(name, value)


def _check_scalar(name: str, value: Any) -> None:
    match value:
        case str():
            _refuse_unstorable(name, value)
        case bool() | None:
            pass
        case float() if not math.isfinite(value):
            raise BadInput(f"{name} has a number that is not finite.", field=name)
        case int() | float() if abs(value) > MAX_NUMBER:
            # A float as well: JSON readers make one of an integer that is too large for them.
            raise BadInput(f"{name} has a number beyond 2^53: write it as a text.", field=name)
        case int() | float():
            pass
        case _:
            raise BadInput(f"{name} has a value that is not JSON.", field=name)


def _check_attribute_key(name: str, key: Any) -> None:
    if not isinstance(key, str) or not key or len(key) > BY_NAME["attributes"].max_length:
        raise BadInput(f"{name} has an empty or too long key.", field=name)
    if "." in key or key.startswith("$"):
        raise BadInput(f"{name} has the key {key[:40]!r}: a key has no dot and does not begin with $.", field=name)
    _refuse_invisible(name, key, what=f"A key of {name}")


def _refuse_unstorable(name: str, text: str) -> None:
    if not is_storable(text):
        raise BadInput(f"{name} has a text with NUL or a lone surrogate.", field=name)
