"""Change tokens."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.search.change_token import MAX_CHANGES, ChangeToken, ChangeTokens
from domain.users.model import Status
from tests.contract.users.users import a_user

TOKENS = ChangeTokens(b"secret")


@given(st.lists(st.tuples(st.integers(1, 2**53), st.booleans()), max_size=5))
def test_what_was_signed_is_read(versions: list[tuple[int, bool]]) -> None:
    users = [
        replace(a_user(version=version), status=Status.DELETED if deleted else Status.ACTIVE)
        for version, deleted in versions
    ]
    expected = [ChangeToken(user.id, user.version, user.deleted) for user in users]
    assert TOKENS.read(TOKENS.sign_many(users)) == expected


def test_one_user_makes_a_short_url_safe_text() -> None:
    token = TOKENS.sign(a_user())
    assert len(token) == 54
    assert token.replace("-", "a").replace("_", "a").isalnum()


def test_a_token_reads_the_same_in_every_version() -> None:
    """While versions change, one instance signs and another one reads."""
    user = a_user(id="01ARZ3NDEKTSV4RRFFQ69G5FAV", version=7)
    assert TOKENS.sign(user) == "RwpUpK3tAvuFm4fMbbEu-wFWPjq109Z2TGHvuZMCvVsAAAAAAAAADg"


def test_a_token_holds_an_import_and_no_more() -> None:
    user = a_user()
    assert len(TOKENS.read(TOKENS.sign_many([user] * MAX_CHANGES))) == MAX_CHANGES
    with pytest.raises(ValueError, match="at most 1000"):
        TOKENS.sign_many([user] * (MAX_CHANGES + 1))


def test_any_changed_letter_is_refused() -> None:
    token = TOKENS.sign(a_user())
    for at, letter in enumerate(token[:-1]):
        with pytest.raises(BadInput):
            TOKENS.read(token[:at] + ("A" if letter != "A" else "B") + token[at + 1 :])


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "!",
        "ä",
        "A" * 22,
        "A" * 54,
        pytest.param(ChangeTokens(b"other").sign(a_user()), id="other"),
        "A" * 100_000,
    ],
)
def test_what_this_service_did_not_sign_is_refused(token: str) -> None:
    with pytest.raises(BadInput, match="no change token of this service") as refused:
        TOKENS.read(token)
    assert refused.value.field == "waitFor"
