"""What commands make of a user."""

from dataclasses import fields as attributes
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from domain.errors import BadInput
from domain.users import editing
from domain.users.fields import FIELDS
from domain.users.model import Status, User, from_document, to_document
from tests.contract.users.users import T0, a_user, users

LATER = T0 + timedelta(hours=1)


def created(**values: Any) -> User:
    return editing.new_user(values, id="01ARZ3NDEKTSV4RRFFQ69G5FAV", write_id="w", at=T0, phone_region="US")


def edited(user: User, **changes: Any) -> User:
    return editing.edit(user, changes, write_id="w2", at=LATER, phone_region="US")


def test_a_new_user_is_active_at_version_1() -> None:
    user = created(username="ann", givenName=None)
    assert (user.version, user.status, user.created_at, user.updated_at, user.status_changed_at) == (
        1,
        Status.ACTIVE,
        T0,
        T0,
        T0,
    )
    assert user.write_id == "w"
    assert user.given_name is None


def test_a_username_is_required_and_stays() -> None:
    with pytest.raises(BadInput, match=r"^username is required\.$"):
        created(givenName="Ann")
    with pytest.raises(BadInput, match=r"^username cannot be cleared\.$"):
        edited(created(username="ann"), username=None)


@pytest.mark.parametrize("name", ["id", "version", "status", "createdAt", "nonsense", "given_name"])
def test_only_writable_fields_are_written(name: str) -> None:
    with pytest.raises(BadInput, match=f"'{name}' is not a field that can be written"):
        created(username="ann", **{name: "x"})


def test_absent_is_unchanged_and_null_is_cleared() -> None:
    user = created(username="ann", givenName="Ann", familyName="Lee", roles=["a"], attributes={"k": 1})
    changed = edited(user, givenName=None, roles=None, attributes=None)
    assert (changed.given_name, changed.family_name, changed.roles, changed.attributes) == (None, "Lee", (), {})
    assert (changed.version, changed.updated_at, changed.created_at, changed.write_id) == (2, LATER, T0, "w2")
    assert changed.status_changed_at == T0


def test_a_change_of_nothing_is_no_write() -> None:
    user = created(username="ann", givenName="Ann", attributes={"k": 1})
    assert edited(user, givenName="Ann", familyName=None, attributes={"k": 1, "none": None}) is user
    assert edited(user) is user


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (True, 1), (1, 1.0), ([1], [True])])
def test_attributes_are_compared_as_json(before: Any, after: Any) -> None:
    """Python holds these equal."""
    changed = edited(created(username="ann", attributes={"a": before, "b": 1}), attributes={"a": after})
    assert changed.version == 2
    assert repr(changed.attributes["a"]) == repr(after)


def test_times_never_run_backwards() -> None:
    user = replace(created(username="ann"), updated_at=LATER)
    changed = editing.edit(user, {"givenName": "A"}, write_id="w", at=T0, phone_region="US")
    assert changed.updated_at == LATER
    for changed in (
        editing.with_status(user, Status.SUSPENDED, write_id="w", at=T0),
        editing.tombstone(user, write_id="w", at=T0),
    ):
        assert (changed.updated_at, changed.status_changed_at) == (LATER, LATER)


@pytest.mark.parametrize(
    ("before", "changes", "verified"),
    [
        ({}, {}, None),
        ({}, {"emailVerified": True}, None),
        ({}, {"email": "a@x.org"}, False),
        ({}, {"email": "a@x.org", "emailVerified": True}, True),
        ({"email": "a@x.org", "emailVerified": True}, {"email": "b@x.org"}, False),
        ({"email": "a@x.org", "emailVerified": True}, {"email": "A@x.org"}, True),
        ({"email": "a@x.org", "emailVerified": True}, {"email": "b@x.org", "emailVerified": True}, True),
        ({"email": "a@x.org", "emailVerified": True}, {"email": None}, None),
        ({"email": "a@x.org"}, {"emailVerified": True}, True),
        ({"email": "a@x.org", "emailVerified": True}, {"emailVerified": None}, False),
    ],
)
def test_a_new_address_is_not_verified(before: dict[str, Any], changes: dict[str, Any], verified: bool | None) -> None:
    assert edited(created(username="ann", **before), **changes).email_verified is verified


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [  # RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: Any, patch: Any, merged: Any) -> None:
    assert editing.merge_patch(target, patch) == merged


def test_merged_attributes_are_held_to_the_limit() -> None:
    user = created(username="ann", attributes={"a": "x" * 10_000})
    with pytest.raises(BadInput, match="at most 16384"):
        edited(user, attributes={"b": "x" * 10_000})


def test_a_status_changes_once() -> None:
    user = created(username="ann")
    suspended = editing.with_status(user, Status.SUSPENDED, write_id="s", at=LATER)
    assert (suspended.status, suspended.status_changed_at, suspended.version) == (Status.SUSPENDED, LATER, 2)
    assert editing.with_status(suspended, Status.SUSPENDED, write_id="s", at=LATER) is suspended


@given(users())
def test_a_tombstone_keeps_nothing_personal(user: User) -> None:
    gone = editing.tombstone(replace(user, unknown={"next": "x"}), write_id="t", at=LATER)
    personal = {field.name for field in FIELDS if field.personal}
    document = to_document(gone)
    assert personal.isdisjoint(document)
    assert set(document) == {
        "id", "version", "status", "createdAt", "updatedAt", "statusChangedAt", "schema", "writeId",
    }  # fmt: skip
    assert (gone.status, gone.version) == (Status.DELETED, user.version + 1)
    assert gone.status_changed_at == gone.updated_at == max(LATER, user.updated_at)


@given(users())
def test_a_document_holds_the_whole_user(user: User) -> None:
    assert from_document(to_document(user)) == user


def test_the_model_and_the_field_table_agree() -> None:
    ours = {attribute.name for attribute in attributes(User)} - {"write_id", "schema", "unknown"}
    assert ours == {field.attribute for field in FIELDS}


def test_a_full_user_is_written_without_nulls() -> None:
    assert None not in to_document(a_user()).values()
