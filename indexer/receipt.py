"""Looks for a deleted user in every place that this service writes to."""

import contextlib
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from domain.backends import StoreBackend, open_index_catalog
from domain.clock import Clock, now
from domain.errors import IndexMismatch
from domain.settings import Mode, Settings
from domain.users.ledger import Ledger
from domain.users.model import User
from domain.users.validation import check_id
from indexer import erasure, record, requests
from indexer.erasure import Finding, Receipt, TopicTrace, Verdict
from indexer.kafka_dead_letters import dead_letters
from indexer.pairs import EMBEDDED
from indexer.topic_reader import read_topic
from indexer.topics import look_at

PAGE = 100


@runtime_checkable
class Journal(Protocol):
    """A feed whose store keeps a user's changes for a while."""

    async def kept_until(self, id: str) -> datetime | None: ...


async def receipt(settings: Settings, store: StoreBackend, id: str, clock: Clock = now) -> Receipt | None:
    """What is left of user `id`; None of a live one, of whom nothing is erased.

    Raises BadInput for what is no id, and what the stores, indexes and brokers raise that do not answer.
    """
    check_id(id)
    user = (await store.store.get([id])).get(id)
    if user is not None and not user.deleted:
        return None
    findings = [erasure.of_store(user, settings.tombstone_retention, clock())]
    async with contextlib.aclosing(_elsewhere(settings, store, id, user, clock)) as others:
        findings.extend([finding async for finding in others])
    return Receipt(id, clock(), findings, erasure.unseen(settings.mode))


async def _elsewhere(
    settings: Settings, store: StoreBackend, id: str, user: User | None, clock: Clock
) -> AsyncGenerator[Finding]:
    if isinstance(store.feed, Journal):
        yield erasure.of_journal(await store.feed.kept_until(id), clock())
    if settings.mode is Mode.EMBEDDED:
        runs = await requests.is_answered(store.ledger, EMBEDDED.name, clock)
        yield erasure.of_write_ahead_log(_size(settings.data_dir / "users.db-wal"), clock(), indexer_runs=runs)
    if settings.mode is Mode.CLUSTER:
        yield erasure.of_topic(settings.kafka_topic, await _trace(settings, id), clock())
    async with contextlib.aclosing(_indexes(settings, id)) as indexes:
        async for finding in indexes:
            yield finding
    letters = await dead_letters(settings, store.ledger).get([id])
    yield erasure.of_dead_letters(letters.get(id), user, clock())
    yield erasure.of_requests(await _asked(store.ledger, id))


async def _indexes(settings: Settings, id: str) -> AsyncGenerator[Finding]:
    async with open_index_catalog(settings) as catalog:
        for index in await catalog.indexes():
            try:
                yield erasure.of_index(index.name, held=id in await catalog.look_up(index.name, [id]))
            except IndexMismatch as exc:
                yield Finding(f"index {index.name}", Verdict.STILL_THERE, detail=f"cannot be read: {exc.message}")


async def _trace(settings: Settings, id: str) -> TopicTrace | None:
    """What the topic still has of `id`; None if there is no topic."""
    topic = await look_at(settings, settings.kafka_topic)
    if topic is None:
        return None
    values, erased_at = 0, None
    async with contextlib.aclosing(read_topic(settings, settings.kafka_topic, id)) as portions:
        async for portion in portions:
            for message in portion:
                if message.key == id.encode():
                    values += message.value is not None
                    erased_at = None if message.value is not None else record.written_at(message.timestamp)
    return TopicTrace(values, erased_at, topic.config)


async def _asked(ledger: Ledger, id: str) -> list[str]:
    """The pipelines that are asked to deliver `id`."""
    found: set[str] = set()
    after: str | None = None
    while entries := await ledger.entries(requests.PREFIX, after, PAGE):
        after = entries[-1].key
        found |= {entry.key.split(":")[1] for entry in entries if id in entry.value.get("users", ())}
    return sorted(found)


def _size(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
