"""The contract of the ledger."""

import asyncio

from domain.users.ledger import Entry
from tests.contract.users.conftest import Parts


async def test_entries_are_changed_by_compare_and_set(parts: Parts) -> None:
    ledger = parts.ledger
    assert await ledger.read("a") is None
    assert not await ledger.write("a", {"n": 1}, expected=1)
    assert await ledger.write("a", {"n": 1, "deep": {"x": [1, None]}}, expected=0)
    assert not await ledger.write("a", {"n": 2}, expected=0)
    assert await ledger.read("a") == Entry("a", {"n": 1, "deep": {"x": [1, None]}}, 1)
    assert await ledger.write("a", {"n": 2}, expected=1)
    assert await ledger.read("a") == Entry("a", {"n": 2}, 2)
    await ledger.remove("a")
    await ledger.remove("a")
    assert await ledger.read("a") is None
    assert await ledger.write("a", {}, expected=0)


async def test_entries_are_listed_by_prefix_in_pages(parts: Parts) -> None:
    for key in ("b:2", "a:1", "b:1", "b:%", "b_1", "c"):
        await parts.ledger.write(key, {"key": key}, expected=0)
    first = await parts.ledger.entries("b:", None, 2)
    assert [entry.key for entry in first] == ["b:%", "b:1"]
    assert [entry.key for entry in await parts.ledger.entries("b:", first[-1].key, 2)] == ["b:2"]
    assert first[0].value == {"key": "b:%"}


async def test_one_of_many_concurrent_writers_wins(parts: Parts) -> None:
    for expected in (0, 1):
        results = await asyncio.gather(*(parts.ledger.write("k", {"n": n}, expected=expected) for n in range(10)))
        assert sorted(results) == [False] * 9 + [True]
    entry = await parts.ledger.read("k")
    assert entry is not None
    assert entry.revision == 2
