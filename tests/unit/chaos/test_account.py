"""The account sees what it is there to see: every kind of loss, planted."""

import pytest

from domain.users.model import User
from tests.chaos.account import lost, unasked
from tests.chaos.history import Op, Outcome
from tests.unit.chaos.calls import call, user

UNKNOWN = Outcome.UNKNOWN
CALLS = [
    call("a", Op.CREATE, 1, "one"),
    call("a", Op.UPDATE, 2, "two"),
    call("a", Op.UPDATE, 3, "three"),
    call("a", Op.UPDATE, 0, "late", outcome=Outcome.CONFLICT, expected=2),
    call("b", Op.CREATE, 1, "one"),
    call("b", Op.DELETE, 2, None),
    call("c", Op.CREATE, 1, "one"),
    call("c", Op.UPDATE, 0, "two", outcome=UNKNOWN),
    call("d", Op.CREATE, 1, "one"),
    call("d", Op.DELETE, 0, None, outcome=UNKNOWN),
    call("", Op.CREATE, 0, "maybe", outcome=UNKNOWN),
]
STORE = {
    "a": user("a", 3, "three"),
    "b": user("b", 2, None),
    "c": user("c", 1, "one"),
    "d": user("d", 1, "one"),
}
MORE = {"c": user("c", 2, "two"), "d": user("d", 2, None), "e": user("e", 1, "maybe", "maybe")}


@pytest.mark.parametrize("users", [STORE, {**STORE, **MORE}])
def test_what_was_acknowledged_and_perhaps_what_was_asked_for_is_right(users: dict[str, User]) -> None:
    assert list(lost(CALLS, users)) == []
    assert list(unasked(CALLS, users)) == []


@pytest.mark.parametrize(
    ("planted", "count"),
    [
        (user("a", 2, "two"), 1),
        (user("a", 1, "one"), 2),
        (user("a", 3, "two"), 1),
        (user("a", 3, None), 1),
        (user("b", 1, "one"), 1),
        (user("b", 2, "back from the dead"), 1),
    ],
)
def test_an_acknowledged_write_that_is_not_there_is_lost(planted: User, count: int) -> None:
    assert len(list(lost(CALLS, {**STORE, planted.id: planted}))) == count


@pytest.mark.parametrize("id", STORE)
def test_all_writes_of_a_user_that_is_not_there_are_lost(id: str) -> None:
    without = {other: one for other, one in STORE.items() if other != id}
    assert len(list(lost(CALLS, without))) == sum(one.user == id and one.acknowledged for one in CALLS)


def test_of_two_writes_acknowledged_with_one_version_one_is_lost() -> None:
    twice = [*CALLS, call("a", Op.UPDATE, 3, "three, too")]
    assert list(lost(twice, STORE)) == ["a: version 3 was acknowledged twice, for 'three' and 'three, too'"]


@pytest.mark.parametrize(
    "planted",
    [
        user("a", 4, "late"),  # a conflict that was written all the same
        user("a", 4, None),
        user("c", 3, "two"),  # made twice
        user("c", 2, "three"),
        user("d", 2, "one"),
        user("e", 1, "nobody", "nobody"),
        user("e", 2, "maybe", "maybe"),
    ],
)
def test_what_nobody_asked_for_is_told(planted: User) -> None:
    assert len(list(unasked(CALLS, {**STORE, planted.id: planted}))) == 1
