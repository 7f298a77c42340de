"""Search documents."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.search.document import MAX_TERM_BYTES, attribute_key_term, attribute_term, attribute_terms, search_document
from domain.users.filter import same_scalar
from tests.contract.users.users import ATTRIBUTES, SCALARS, a_user, users


def test_the_whole_document() -> None:
    user = a_user(
        id="01ARZ3NDEKTSV4RRFFQ69G5FAV",
        version=3,
        username="Ann.Lee",
        given_name="Ann",
        family_name="O'Lee",
        email="Ann@Example.org",
        email_verified=False,
        roles=("admin", "viewer"),
        attributes={"level": 1.0, "tags": ["a"]},
        unknown={"nextRelease": 1},
    )
    assert search_document(user) == {
        "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "username": "Ann.Lee",
        "givenName": "Ann",
        "familyName": "O'Lee",
        "email": "Ann@Example.org",
        "emailVerified": False,
        "roles": ["admin", "viewer"],
        "status": "ACTIVE",
        "attributes": {"level": 1.0, "tags": ["a"]},
        "version": 3,
        "createdAt": "2026-01-02T03:04:05.678Z",
        "updatedAt": "2026-01-02T03:04:05.678Z",
        "statusChangedAt": "2026-01-02T03:04:05.678Z",
        "search": {
            "name": "ann lee o olee",
            "username": "ann annlee lee",
            "email": "ann",
            "domain": "example exampleorg org",
            "usernameKey": "ann.lee",
            "emailKey": "ann@example.org",
            "attributes": ['["level",1]', '["level"]'],
        },
    }


def test_absent_is_absent() -> None:
    search = search_document(a_user(username="..."))["search"]
    assert search == {"usernameKey": "..."}


@pytest.mark.parametrize(
    ("family", "given_name", "expected"),
    [
        ("王", "小明", "小明 明 王 王小"),
        ("김", "민준", "김 김민 민준 준"),
        ("王", "Ann", "ann 王"),
        ("Lee", "明", "lee 明"),
    ],
)
def test_family_and_given_name_meet_where_they_are_written_in_one(family: str, given_name: str, expected: str) -> None:
    user = a_user(family_name=family, given_name=given_name)
    assert search_document(user)["search"]["name"] == expected


@given(users())
def test_it_is_json(user: Any) -> None:
    assert orjson.loads(orjson.dumps(search_document(user))) == search_document(user)


@given(SCALARS, SCALARS)
def test_terms_are_equal_as_scalars_are(one: Any, other: Any) -> None:
    assert (attribute_term("k", one) == attribute_term("k", other)) == same_scalar(one, other)


@given(st.text('a"=[], ', max_size=4), st.text('a"=[], ', max_size=4), st.text('a"=[], ', max_size=4))
def test_terms_keep_key_and_value_apart(key: str, other: str, value: str) -> None:
    assert attribute_key_term(other) != attribute_term(key, value)
    if key != other:
        assert attribute_term(key, value) != attribute_term(other, value)


@given(ATTRIBUTES)
def test_every_scalar_has_two_terms(attributes: dict[str, Any]) -> None:
    scalars = [value for value in attributes.values() if not isinstance(value, (list, dict))]
    assert len(attribute_terms(attributes)) == 2 * len(scalars)


def test_long_terms_are_digested() -> None:
    one, other = attribute_term("k", "x" * 5_000), attribute_term("k", "x" * 5_001)
    assert one != other
    assert max(len(one.encode()), len(attribute_key_term("ä" * 5_000).encode())) <= MAX_TERM_BYTES
