"""The contract of the user store: filters, orders and pages mean what the oracle means."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.users.fields import BY_NAME, FIELDS
from domain.users.filter import MAX_CONDITIONS, MAX_DEPTH, MAX_TEXT, MAX_VALUES, All, Filter, parse
from domain.users.model import User
from domain.users.page import Order, Position, Window, cursor, digest, position, window
from domain.users.store import Write
from tests.contract.users.conftest import Parts
from tests.contract.users.memory import MemoryDatabase, MemoryUserStore
from tests.contract.users.users import FILTERS, a_user, exactly, users

ORDERS = st.builds(Order, st.sampled_from([field for field in FIELDS if field.sortable]), st.booleans())
RELAXED = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


async def filled(parts: Parts, generated: Sequence[User]) -> tuple[MemoryUserStore, Filter]:
    """The same users in the oracle and in the store; the filter finds just these in the shared store."""
    oracle = MemoryUserStore(MemoryDatabase())
    writes = [Write(user) for user in generated]
    await oracle.write_many(writes)
    assert all(result is True for result in await parts.store.write_many(writes))
    return oracle, parse({"id": {"in": [user.id for user in generated]}})


@RELAXED
@given(generated=st.lists(users(), min_size=1, max_size=12), raw=FILTERS, order=ORDERS, data=st.data())
async def test_lists_are_the_oracles(
    shared: Parts, generated: list[User], raw: dict[str, Any], order: Order, data: st.DataObject
) -> None:
    oracle, ours = await filled(shared, generated)
    wanted = All((ours, parse(raw)))
    everything = Window(100)
    expected = await oracle.page(wanted, order, everything)
    found = await shared.store.page(wanted, order, everything)
    assert (exactly(found.users), found.more) == (exactly(expected.users), expected.more)
    assert await shared.store.count(wanted) == len(expected.users)
    marks = st.none() | st.sampled_from(generated).map(lambda user: position(user, order))
    part = Window(data.draw(st.integers(1, 5)), data.draw(marks), data.draw(marks), data.draw(st.booleans()))
    assert await shared.store.page(ours, order, part) == await oracle.page(ours, order, part)


@RELAXED
@given(generated=st.lists(users(), min_size=1, max_size=12), order=ORDERS, size=st.integers(1, 4), back=st.booleans())
async def test_paging_by_cursors_visits_all_once(
    shared: Parts, generated: list[User], order: Order, size: int, back: bool
) -> None:
    oracle, ours = await filled(shared, generated)
    whole = list((await oracle.page(ours, order, Window(100))).users)
    mark = digest(ours, order)
    seen: list[User] = []
    edge: str | None = None
    while True:
        part = window(
            filter=ours,
            order=order,
            first=None if back else size,
            after=None if back else edge,
            last=size if back else None,
            before=edge if back else None,
        )
        page = await shared.store.page(ours, order, part)
        seen = [*page.users, *seen] if back else [*seen, *page.users]
        if not page.more:
            break
        edge = cursor(page.users[0 if back else -1], order, mark)
    assert seen == whole


def _nested(inner: dict[str, Any], levels: int, siblings: int = 0) -> dict[str, Any]:
    """`inner`, `levels` deeper; at every second level it has `siblings`."""
    for level in range(levels):
        inner = {"not": inner} if level % 2 else {"or": [*[{}] * siblings, inner]}
    return inner


def _largest(condition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Filters at the limits of depth and of conditions: wide at the top, at the bottom, and on the way."""
    yield {"or": [_nested(condition, MAX_DEPTH - 2)] * MAX_CONDITIONS}
    yield _nested({"or": [condition] * MAX_CONDITIONS}, MAX_DEPTH - 2)
    yield _nested(condition, MAX_DEPTH - 1, siblings=(MAX_CONDITIONS - 1) // 5)


_TEXTS = [f"{number:03}".ljust(MAX_TEXT, "𠮷") for number in range(MAX_VALUES)]


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"or": []},
        {"familyName": {"startsWith": "x"}},
        {"roles": {"in": _TEXTS}},
        {"attributes": [{"key": _TEXTS[0], "in": _TEXTS}]},
        {"attributes": [{"key": _TEXTS[0], "in": list(range(MAX_VALUES))}]},
        {"attributes": [{"key": _TEXTS[0], "exists": False}]},
    ],
    ids=["empty", "nothing", "prefix", "list", "texts", "numbers", "absent"],
)
async def test_the_largest_filters_are_answered(parts: Parts, condition: dict[str, Any]) -> None:
    oracle = MemoryUserStore(MemoryDatabase())
    for store in (oracle, parts.store):
        await store.write(Write(a_user(given_name="Ann")))
    for raw in _largest(condition):
        wanted = parse(raw)
        assert await parts.store.count(wanted) == await oracle.count(wanted)
        page = await parts.store.page(wanted, Order(BY_NAME["givenName"]), Window(10, Position("A", "0")))
        assert len(page.users) == await oracle.count(wanted)


async def test_order_is_by_key_and_code_point(parts: Parts) -> None:
    names = ["b", "A", "Å", "\uffee", "𠮷"]
    await parts.store.write_many([Write(a_user(username=name, given_name=name)) for name in names])

    async def listed(name: str) -> list[str | None]:
        page = await parts.store.page(All(()), Order(BY_NAME[name]), Window(10))
        return [user.given_name for user in page.users]

    assert await listed("givenName") == ["A", "b", "Å", "\uffee", "𠮷"]
    assert await listed("username") == ["A", "b", "Å", "\uffee", "𠮷"]
