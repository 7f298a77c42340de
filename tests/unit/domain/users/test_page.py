"""Windows and cursors."""

import base64
from typing import Any

import pytest

from domain.errors import BadInput
from domain.users.fields import BY_NAME
from domain.users.filter import EVERYONE, Filter, parse
from domain.users.page import BY_ID, Order, Position, Window, cursor, digest, encode_cursor, order, window
from tests.contract.users.users import T0, a_user

BY_TIME = Order(BY_NAME["createdAt"])
USER = a_user(username="Ann")


def asked(order: Order = BY_ID, *, filter: Filter = EVERYONE, **arguments: Any) -> Window:
    given = {"first": None, "after": None, "last": None, "before": None} | arguments
    return window(filter=filter, order=order, **given)


@pytest.mark.parametrize(
    "chosen", [BY_ID, BY_TIME, Order(BY_NAME["username"], descending=True), Order(BY_NAME["email"])]
)
def test_a_cursor_leads_back_to_its_place(chosen: Order) -> None:
    text = cursor(USER, chosen, digest(EVERYONE, chosen))
    expected = {"id": USER.id, "createdAt": T0, "username": "ann", "email": None}[chosen.field.name]
    assert asked(chosen, after=text).after == Position(expected, USER.id)


def test_sizes_and_directions() -> None:
    assert asked() == Window(20)
    assert asked(first=100) == Window(100)
    assert asked(last=3) == Window(3, backward=True)


@pytest.mark.parametrize(
    ("arguments", "field", "message"),
    [
        ({"first": 0}, "first", "first must be 1 to 100, not 0."),
        ({"first": -1}, "first", "first must be 1 to 100, not -1."),
        ({"last": 101}, "last", "last must be 1 to 100, not 101."),
        ({"first": 1, "last": 1}, "first", "Give first or last, not both."),
        ({"after": "nonsense"}, "after", "after is not a cursor of this service."),
        ({"after": "ü"}, "after", "after is not a cursor of this service."),
        ({"before": ""}, "before", "before is not a cursor of this service."),
        ({"after": base64.b64encode(b"[1]").decode()}, "after", "after is not a cursor of this service."),
        ({"after": encode_cursor([digest(EVERYONE, BY_ID), 1, 1])}, "after", "after is not a cursor of this service."),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        asked(**arguments)
    assert (refused.value.field, str(refused.value)) == (field, message)


@pytest.mark.parametrize("value", ["x", -1, 2**60, 1.5, True, [1]])
def test_a_forged_time_is_refused(value: object) -> None:
    with pytest.raises(BadInput):
        asked(BY_TIME, after=encode_cursor([digest(EVERYONE, BY_TIME), value, USER.id]))


def test_a_cursor_is_good_for_its_query_only() -> None:
    text = cursor(USER, BY_ID, digest(EVERYONE, BY_ID))
    for filter, chosen in (
        (parse({"username": {"eq": "a"}}), BY_ID),
        (EVERYONE, Order(BY_NAME["id"], descending=True)),
        (EVERYONE, BY_TIME),
    ):
        with pytest.raises(BadInput, match="after is a cursor of another query"):
            asked(chosen, filter=filter, after=text)


def test_users_are_ordered_by_sortable_fields_only() -> None:
    assert order("username", descending=True) == Order(BY_NAME["username"], descending=True)
    for name in ("roles", "attributes", "phone", "nonsense"):
        with pytest.raises(BadInput, match=f"Users cannot be ordered by '{name}'"):
            order(name)
