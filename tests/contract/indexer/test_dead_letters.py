"""One contract for dead letters, on every ledger and on Kafka."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from domain.settings import Settings
from indexer.dead_letters import DeadLetter, DeadLetters, LedgerDeadLetters, pages
from indexer.kafka_dead_letters import KafkaDeadLetters
from indexer.topics import ensure_topics
from tests.contract.users.conftest import open_parts

AT = datetime(2026, 1, 31, 12, 0, 0, 123000, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite", "mongodb", "kafka"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def letters(kind: str, server_url: str | None, tmp_path: Path) -> AsyncIterator[DeadLetters]:
    async with AsyncExitStack() as stack:
        if kind == "kafka":
            settings = Settings(kafka_bootstrap_servers=server_url, kafka_topic=f"t{uuid4().hex}", kafka_partitions=3)
            await ensure_topics(settings)
            yield KafkaDeadLetters(settings)
        else:
            yield LedgerDeadLetters((await open_parts(kind, stack, tmp_path, server_url)).ledger)


def _letter(id: str, version: int = 1, reason: str = "too long", attempts: int = 1) -> DeadLetter:
    return DeadLetter(id, version, "p", reason, attempts, AT + timedelta(seconds=version))


POISON = DeadLetter("", 0, "users/3/17", "the value is not JSON, “ä”", 1, AT)


async def test_letters_are_listed_in_key_order_and_the_newest_counts(letters: DeadLetters) -> None:
    assert await letters.page(None, 10) == []
    await letters.add([_letter("u2"), _letter("u1"), POISON])
    await letters.add([_letter("u1", 4, "too deep", 2), _letter("u3")])
    assert await letters.page(None, 10) == [_letter("u1", 4, "too deep", 2), _letter("u2"), _letter("u3"), POISON]
    assert await letters.page(None, 2) == [_letter("u1", 4, "too deep", 2), _letter("u2")]
    assert await letters.page("u2", 10) == [_letter("u3"), POISON]
    assert await letters.page(POISON.key, 10) == []
    assert await letters.get(["u1", POISON.key, "nobody"]) == {
        "u1": _letter("u1", 4, "too deep", 2),
        POISON.key: POISON,
    }


async def test_a_dropped_letter_is_gone_until_there_is_a_new_one(letters: DeadLetters) -> None:
    await letters.add([_letter("u1"), _letter("u2"), POISON])
    await letters.drop(["u1", POISON.key, "nobody"])
    assert await letters.page(None, 10) == [_letter("u2")]
    assert await letters.get(["u1", POISON.key]) == {}
    await letters.add([_letter("u1", 2)])
    assert await letters.page(None, 10) == [_letter("u1", 2), _letter("u2")]


async def test_many_are_read_page_by_page(letters: DeadLetters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.dead_letters.PAGE", 4)
    made = [_letter(f"u{number:02}") for number in range(18)]
    await letters.add(made)
    await letters.drop([f"u{number:02}" for number in range(6)])
    found = [list(page) async for page in pages(letters)]
    assert [letter for page in found for letter in page] == made[6:]
    assert max(len(page) for page in found) == 4


async def test_nothing_to_do_is_nothing_done(letters: DeadLetters) -> None:
    await letters.add([])
    await letters.drop([])
    assert await letters.get([]) == {}
