"""Calls and users, made by hand."""

from domain.clock import now
from domain.users.model import Status, User
from tests.chaos.history import Call, Op, Outcome


def call(
    user: str, op: Op, version: int, text: str | None, *, outcome: Outcome = Outcome.OK, expected: int = 0, at: int = 0
) -> Call:
    """A call that began at `at` and took one nanosecond."""
    return Call(1, op, user, expected, version, text, outcome, at, at + 1)


def user(id: str, version: int, text: str | None, username: str | None = None) -> User:
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
