"""The comparison sees what it is there to see: every kind of difference, planted."""

import pytest

from domain.clock import now
from domain.users.model import Status, User
from tests.integration.resilience.account import Account, State, index_problems


def _user(id: str, version: int, text: str | None, username: str | None = None) -> User:
    at, status = now(), Status.DELETED if text is None else Status.ACTIVE
    return User(
        id=id,
        version=version,
        status=status,
        created_at=at,
        updated_at=at,
        status_changed_at=at,
        display_name=text,
        username=username,
    )


ACCOUNT = Account(
    acknowledged={"a": State(3, "three"), "b": State(2, None), "c": State(1, "one"), "d": State(4, "four")},
    unknown={"c": State(2, "two"), "d": State(5, None)},
    unknown_creations={"maybe"},
)
STORE = {
    "a": _user("a", 3, "three"),
    "b": _user("b", 2, None),
    "c": _user("c", 1, "one"),
    "d": _user("d", 4, "four"),
}


def test_what_was_acknowledged_and_perhaps_one_write_more_is_right() -> None:
    more = {"c": _user("c", 2, "two"), "d": _user("d", 5, None), "e": _user("e", 1, "maybe", "maybe")}
    for users in (STORE, {**STORE, **more}):
        assert list(ACCOUNT.store_problems(users)) == []


@pytest.mark.parametrize(
    "planted",
    [
        _user("a", 2, "three"),  # an acknowledged write is lost
        _user("a", 4, "three"),  # made twice
        _user("a", 3, "two"),  # overwritten by an older one
        _user("a", 4, None),  # deleted by nobody
        _user("b", 2, "back"),  # risen from the dead
        _user("c", 3, "two"),  # the unknown write made twice
        _user("c", 2, "one"),
        _user("d", 5, "four"),
        _user("e", 1, "nobody", "nobody"),  # a user whom nobody created
        _user("e", 2, "maybe", "maybe"),
    ],
)
def test_any_other_user_is_a_problem(planted: User) -> None:
    assert len(list(ACCOUNT.store_problems({**STORE, planted.id: planted}))) == 1


@pytest.mark.parametrize("id", STORE)
def test_a_user_that_is_not_there_is_a_problem(id: str) -> None:
    without = {other: user for other, user in STORE.items() if other != id}
    assert len(list(ACCOUNT.store_problems(without))) == 1


def test_an_index_is_exactly_the_store() -> None:
    live = {"a": 3, "c": 1}
    assert list(index_problems(live, live.items())) == []
    for planted in ({"a": 3}, {"a": 3, "c": 2}, {"a": 2, "c": 1}, {**live, "b": 1}):
        assert len(list(index_problems(live, planted.items()))) == 1
