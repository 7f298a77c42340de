"""The contract of the user store: filters, orders and pages mean what the oracle means."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.users.fields import BY_NAME, FIELDS
from domain.users.filter import All, Filter, parse
from domain.users.model import User
from domain.users.page import Order, Window, cursor, digest, position, window
from domain.users.store import Write
from tests.contract.users.conftest import Parts
from tests.contract.users.memory import MemoryDatabase, MemoryUserStore
from tests.contract.users.users import FILTERS, a_user, users

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
    assert await shared.store.page(wanted, order, everything) == expected
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


async def test_order_is_by_key_and_code_point(parts: Parts) -> None:
    names = ["b", "A", "Å", "\uffee", "𠮷"]
    await parts.store.write_many([Write(a_user(username=name, given_name=name)) for name in names])

    async def listed(name: str) -> list[str | None]:
        page = await parts.store.page(All(()), Order(BY_NAME[name]), Window(10))
        return [user.given_name for user in page.users]

    assert await listed("givenName") == ["A", "b", "Å", "\uffee", "𠮷"]
    assert await listed("username") == ["A", "b", "Å", "\uffee", "𠮷"]
