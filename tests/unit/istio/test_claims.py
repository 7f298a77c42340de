"""What a token says: what is filled in, what is refused, and with which words."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.identity.claims import MAX_SUBJECT_LENGTH
from keytool import claims
from keytool.errors import ClaimRefused
from tests.fixtures.issuer import AUDIENCE

AT = datetime(2026, 11, 25, 12, 0, 0, 500_000, UTC)
NOW = int(AT.timestamp())
ISSUER = "https://issuer.example"


def completed(given: dict[str, Any], issuer: str | None = ISSUER, ttl: timedelta | None = None) -> claims.Claims:
    return claims.completed(given, issuer=issuer, ttl=ttl, at=AT)


def test_what_is_missing_is_filled_in() -> None:
    assert completed({"sub": "ada"}) == {
        "sub": "ada",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": NOW,
        "exp": NOW + 3600,
    }


def test_what_is_given_stays() -> None:
    given = {
        "sub": "ada",
        "iss": "https://other.example",
        "aud": ["user-service", "posts"],
        "iat": NOW - 5,
        "nbf": NOW + 5,
        "exp": NOW + 10.5,
        "jti": "1",
        "scope": "user:read",
        "roles": ["support"],
        "department": {"name": "sales"},
    }
    assert completed(given) == given
    assert claims.expiry(given) == NOW + 10
    assert claims.audiences(given) == ["user-service", "posts"]


def test_the_life_is_asked_for() -> None:
    assert completed({"sub": "ada"}, ttl=timedelta(minutes=5))["exp"] == NOW + 300
    with pytest.raises(ClaimRefused, match=r"^exp is in the payload, and --ttl says"):
        completed({"sub": "ada", "exp": NOW + 60}, ttl=timedelta(minutes=5))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sub": None}, "sub is missing: give --sub, the user's id."),
        ({"sub": ""}, "sub must be text of 1 to 255 characters."),
        ({"sub": "a" * 256}, "sub must be text of 1 to 255 characters."),
        ({"sub": 42}, "sub must be text of 1 to 255 characters."),
        ({"sub": " ada"}, "sub must be text of 1 to 255 characters."),
        ({"sub": "a\nb"}, "sub must be text of 1 to 255 characters."),
        ({"iss": ""}, "iss must be text that is not empty, without blanks around it."),
        ({"iss": ["https://issuer.example"]}, "iss must be text that is not empty, without blanks around it."),
        ({"aud": []}, "aud must be text, or a list of texts that is not empty."),
        ({"aud": ""}, "aud must be text, or a list of texts that is not empty."),
        ({"aud": [1]}, "aud must be text, or a list of texts that is not empty."),
        ({"aud": {"a": 1}}, "aud must be text, or a list of texts that is not empty."),
        ({"exp": "soon"}, "exp must be a number: seconds since 1970."),
        ({"exp": str(NOW + 60)}, "exp must be a number: seconds since 1970."),
        ({"exp": True}, "exp must be a number: seconds since 1970."),
        ({"exp": 2**53}, "exp must be a number: seconds since 1970."),
        ({"exp": 1e400}, "exp must be a number: seconds since 1970."),
        ({"exp": NOW}, "exp is in the past: no verifier would take the token."),
        ({"exp": (NOW + 60) * 1000}, "exp is more than 366 days away, and a token cannot be taken back."),
        ({"iat": "now"}, "iat must be a number: seconds since 1970."),
        ({"iat": NOW + 1}, "iat is in the future: leave it out."),
        ({"iat": -1}, "iat must be a number: seconds since 1970."),
        ({"nbf": [NOW]}, "nbf must be a number: seconds since 1970."),
        ({"nbf": NOW + 3600}, "nbf is not before exp: the token would never hold."),
        ({"jti": 7}, "jti must be text."),
        ({"scope": 7}, "scope must be words in one text, or a list of texts."),
        ({"scope": ["user:read", 7]}, "scope must be words in one text, or a list of texts."),
        ({"roles": "admin"}, "roles must be a list of texts."),
        ({"roles": 7}, "roles must be a list of texts."),
        ({"roles": ["admin", ["support"]]}, "roles must be a list of texts."),
        ({"roles": [""]}, "roles must be a list of texts."),
    ],
)
def test_a_wrong_claim_is_refused(changes: dict[str, Any], reason: str) -> None:
    given = {name: value for name, value in {"sub": "ada", **changes}.items() if value is not None}
    with pytest.raises(ClaimRefused) as refusal:
        completed(given)
    assert str(refusal.value) == reason


def test_a_token_holds_for_a_year_at_most() -> None:
    longest = int(claims.MAX_TTL.total_seconds())
    assert completed({"sub": "ada", "exp": NOW + longest})
    with pytest.raises(ClaimRefused, match=r"^exp is more than 366 days away"):
        completed({"sub": "ada", "exp": NOW + longest + 1})


def test_without_an_issuer_nothing_is_signed() -> None:
    with pytest.raises(ClaimRefused, match=r"^iss is missing: give --issuer"):
        completed({"sub": "ada"}, issuer=None)


@pytest.mark.parametrize("scope", ["", "user:read", "user:read user:write", ["user:read"], []])
def test_both_forms_of_scope_are_taken(scope: object) -> None:
    assert completed({"sub": "ada", "scope": scope})["scope"] == scope


def test_the_subject_is_as_long_as_the_service_takes() -> None:
    assert claims.MAX_SUBJECT_LENGTH == MAX_SUBJECT_LENGTH
    assert completed({"sub": "a" * MAX_SUBJECT_LENGTH})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ('{"sub": "a", "sub": "b"}', "sub is there twice"),
        ('{"a": {"b": 1, "b": 2}, "sub": "a"}', "b is there twice"),
        ('{"sub": "a", "exp": NaN}', "NaN is no number"),
        ('{"sub": "a", "exp": Infinity}', "Infinity is no number"),
        ("[]", "no JSON object"),
        ('"ada"', "no JSON object"),
        ("null", "no JSON object"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "no JSON"),
    ],
)
def test_a_payload_that_is_none_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ClaimRefused, match=reason):
        claims.read_payload(text)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("department=sales", ("department", "sales")),
        ("level=3", ("level", 3)),
        ("groups=[1, 2]", ("groups", [1, 2])),
        ('text="3"', ("text", "3")),
        ("empty=", ("empty", "")),
        ("equation=a=b", ("equation", "a=b")),
        ("broken={", ("broken", "{")),
    ],
)
def test_a_claim_is_json_or_text(text: str, claim: tuple[str, object]) -> None:
    assert claims.read_claim(text) == claim


@pytest.mark.parametrize("text", ["", "=1", "name"])
def test_a_claim_needs_a_name_and_a_value(text: str) -> None:
    with pytest.raises(ClaimRefused, match="is not NAME=VALUE"):
        claims.read_claim(text)


@pytest.mark.parametrize("name", sorted(claims.RESERVED))
def test_a_reserved_claim_has_its_own_option(name: str) -> None:
    with pytest.raises(ClaimRefused, match=f"cannot set {name}"):
        claims.read_claim(f"{name}=1")


def test_payload_and_options_may_say_the_same_but_not_differ() -> None:
    assert claims.merged({"sub": "ada"}, {"sub": "ada", "scope": ""}) == {"sub": "ada", "scope": ""}
    with pytest.raises(ClaimRefused, match=r"^sub is in the payload and an option says otherwise"):
        claims.merged({"sub": "ada"}, {"sub": "bob"})


def test_the_clock_of_the_checks_is_the_one_that_is_given() -> None:
    assert claims.completed({"sub": "ada"}, issuer=ISSUER, ttl=None, at=datetime.fromtimestamp(time.time(), UTC))
