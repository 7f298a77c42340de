"""What a value of a field must be."""

import math
from collections.abc import Callable
from typing import Any

import email_validator
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.users.fields import BY_NAME
from domain.users.validation import _email, check, check_id


def checked(name: str, value: Any) -> Any:
    return check(BY_NAME[name], value, phone_region="US")


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("username", "Ünïcode 𠮷", "Ünïcode 𠮷"),
        ("displayName", 'Jesús G. "Chuy" García', 'Jesús G. "Chuy" García'),
        ("email", "Nydia@EXAMPLE.org", "Nydia@example.org"),
        ("email", "ñ@bücher.example", "ñ@bücher.example"),
        ("phone", "202-224-3441", "+12022243441"),
        ("phone", "+44 20 7219 3000", "+442072193000"),
        ("locale", "pt_br", "pt-BR"),
        ("locale", "ZH-hant-tw", "zh-Hant-TW"),
        ("locale", "en", "en"),
        ("locale", "ar-eg-U-nu-LATN", "ar-EG-u-nu-latn"),
        ("locale", "de_DE_u_co_phonebk", "de-DE-u-co-phonebk"),
        ("locale", "en-US-x-Foo-b", "en-US-x-foo-b"),
        ("locale", "sl-rozaj-biske-1994", "sl-rozaj-biske-1994"),
        ("locale", "zh-cmn-hans-cn", "zh-cmn-Hans-CN"),
        ("locale", "es-419", "es-419"),
        ("timezone", "America/Puerto_Rico", "America/Puerto_Rico"),
        ("pictureUrl", "https://example.org/a.png?b=c", "https://example.org/a.png?b=c"),
        ("roles", ["b", "a", "b"], ("a", "b")),
        ("emailVerified", False, False),
        ("attributes", {"a": [1, {"b": None}], "ä": 2**53}, {"a": [1, {"b": None}], "ä": 2**53}),
        ("externalId", "x" * 256, "x" * 256),
    ],
)
def test_values_are_kept_in_one_form(name: str, value: Any, kept: Any) -> None:
    assert checked(name, value) == kept


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("username", "", "username must not be empty: leave it out, or set it to null to clear it."),
        ("username", 7, "username must be a text."),
        ("username", "x" * 65, "username has 65 characters, at most 64 are allowed."),
        ("username", "x" * 1_000_000, "username has 1000000 characters, at most 64 are allowed."),
        ("username", "a\0b", "username contains U+0000: control and invisible format characters are refused."),
        ("username", "a\u202eb", "username contains U+202E: control and invisible format characters are refused."),
        ("username", "a\ud800b", "username contains U+D800: control and invisible format characters are refused."),
        ("givenName", "a\u200bb", "givenName contains U+200B: control and invisible format characters are refused."),
        ("givenName", "a\nb", "givenName contains U+000A: control and invisible format characters are refused."),
        ("username", " ann", "username must not begin or end with white space."),
        ("phone", "12", "phone is not a phone number"),
        ("phone", "call me", "phone is not a phone number"),
        ("email", "nobody", "email is not an e-mail address"),
        ("email", "a@b@c.org", "email is not an e-mail address"),
        ("locale", "english", "locale must be a language tag"),
        ("locale", "en-US-u", "locale must be a language tag"),
        ("locale", "en-x", "locale must be a language tag"),
        ("locale", "en-US-DE", "locale must be a language tag"),
        ("locale", "en-", "locale must be a language tag"),
        ("timezone", "Mars/Olympus", "timezone must be a name of the IANA database"),
        ("pictureUrl", "javascript:alert(1)", "pictureUrl must be an http or https address"),
        ("pictureUrl", "https://user:pw@example.org/", "pictureUrl must be an http or https address"),
        ("emailVerified", 1, "emailVerified must be true or false."),
        ("roles", "admin", "roles must be a list of at most 64 texts."),
        ("roles", ["a"] * 65, "roles must be a list of at most 64 texts."),
        ("roles", ["x" * 65], "roles has 65 characters, at most 64 are allowed."),
        ("attributes", [], "attributes must be a JSON object."),
        ("attributes", {"a.b": 1}, "attributes has the key 'a.b': a key has no dot"),
        ("attributes", {"a": {"$set": 1}}, "attributes has the key '$set': a key has no dot"),
        ("attributes", {"a\0": 1}, "A key of attributes contains U+0000"),
        ("attributes", {"": 1}, "attributes has an empty or too long key."),
        ("attributes", {"a": 2**53 + 1}, "attributes has a number beyond 2^53: write it as a text."),
        ("attributes", {"a": float(2**64)}, "attributes has a number beyond 2^53: write it as a text."),
        ("attributes", {"a": [-1e300]}, "attributes has a number beyond 2^53: write it as a text."),
        ("attributes", {"a": math.nan}, "attributes has a number that is not finite."),
        ("attributes", {"a": -math.inf}, "attributes has a number that is not finite."),
        ("attributes", {"a": "\ud800"}, "attributes has a text with NUL or a lone surrogate."),
        ("attributes", {"a": {1, 2}}, "attributes has a value that is not JSON."),
        ("attributes", {"a": "x" * 16_384}, "attributes takes 16392 bytes as JSON, at most 16384 are allowed."),
        (
            "attributes",
            {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}},
            "attributes is nested deeper than 8 levels.",
        ),
    ],
)
def test_bad_values_are_refused_with_the_reason(name: str, value: Any, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        checked(name, value)
    assert str(refused.value).startswith(message)
    assert refused.value.field == name


@pytest.mark.parametrize(
    "id", ["", "x", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01arz3ndektsv4rrffq69g5fav", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "I" * 26]
)
def test_a_malformed_id_is_refused(id: str) -> None:
    with pytest.raises(BadInput, match="id must be a ULID"):
        check_id(id)


def test_a_ulid_is_an_id() -> None:
    assert check_id("01ARZ3NDEKTSV4RRFFQ69G5FAV") == "01ARZ3NDEKTSV4RRFFQ69G5FAV"


_LOCALS = st.text("aZ9.+-_\"'<é ", min_size=1, max_size=10) | st.sampled_from(["POSTMASTER", "a" * 64, "a" * 65])
_DOMAINS = st.text("aX1.-[é", min_size=1, max_size=10) | st.sampled_from(
    [
        "Example.ORG",
        "localhost",
        "xn--bcher-kva.example",
        "b\u00fccher.example",
        "[127.0.0.1]",
        "x" * 64 + ".org",
        "a.test",
    ]
)


@given(_LOCALS, _DOMAINS)
@example("a" * 64, "Example.org")
@example("a" * 65, "example.org")
@example("POSTMASTER", "example.org")
def test_an_address_is_what_the_library_makes_of_it(local: str, domain: str) -> None:
    """Whichever way it was looked into."""
    text = f"{local}@{domain}"
    assert _outcome(lambda: _email(text, "US")) == _outcome(
        lambda: email_validator.validate_email(text, check_deliverability=False).normalized
    )


def _outcome(work: Callable[[], str]) -> str:
    try:
        return work()
    except email_validator.EmailNotValidError as exc:
        return f"email is not an e-mail address: {exc}"
    except BadInput as exc:
        return exc.message
