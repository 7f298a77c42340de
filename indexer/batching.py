"""When to send what has been read: by count, by bytes, by time. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic

import orjson

from domain.search.document import IndexEntry
from indexer.dead_letters import DeadLetter
from indexer.sources.source import Chunk, Position

OVERHEAD = 128
"""Bytes of an entry beside its document, generously."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A batch is sent when it has `count` entries or `bytes` bytes, or is `wait` seconds old.

    With a wait of 0 it is sent as soon as the sink is free, with whatever has queued up until then.
    """

    count: int
    bytes: int
    wait: float


@dataclass(frozen=True, slots=True)
class Part(Generic[Position]):
    """A piece of a chunk that fits a batch; `bytes` is its size and `read_at` the monotonic time it was read."""

    chunk: Chunk[Position]
    bytes: int
    read_at: float


@dataclass(frozen=True, slots=True)
class Batch(Generic[Position]):
    """Entries of different users. `count` and `bytes` are those before older versions of the same user fell out."""

    entries: Sequence[IndexEntry]
    refused: Sequence[DeadLetter]
    position: Position | None
    since: datetime | None
    read_at: float
    count: int
    bytes: int
    snapshot: bool
    as_of: float | None


def size(entry: IndexEntry) -> int:
    """About how many bytes `entry` is on any wire."""
    return OVERHEAD + (0 if entry.document is None else len(orjson.dumps(entry.document)))


def split(chunk: Chunk[Position], limits: Limits, read_at: float) -> Iterator[Part[Position]]:
    """Parts of `chunk` within `limits` (a single entry may be larger); only the last one has its position."""
    entries: list[IndexEntry] = []
    total = 0
    for entry in chunk.entries:
        bytes = size(entry)
        if entries and (len(entries) >= limits.count or total + bytes > limits.bytes):
            yield Part(replace(chunk, entries=entries, position=None, refused=(), as_of=None), total, read_at)
            entries, total = [], 0
        entries.append(entry)
        total += bytes
    yield Part(replace(chunk, entries=entries), total, read_at)


def fits(batch: Batch[Position], part: Part[Position], limits: Limits) -> bool:
    """Whether `part` can join `batch`."""
    return batch.count + len(part.chunk.entries) <= limits.count and batch.bytes + part.bytes <= limits.bytes


def due_in(batch: Batch[Position], limits: Limits, now: float) -> float:
    """Seconds for which `batch` may still wait for more."""
    if not batch.count or batch.count >= limits.count or batch.bytes >= limits.bytes:
        return 0.0
    return max(0.0, batch.read_at + limits.wait - now)


def begin(part: Part[Position]) -> Batch[Position]:
    """The batch of one part."""
    chunk = part.chunk
    return Batch(
        newest(chunk.entries),
        chunk.refused,
        chunk.position,
        chunk.since,
        part.read_at,
        len(chunk.entries),
        part.bytes,
        chunk.snapshot,
        chunk.as_of,
    )


def join(batch: Batch[Position], part: Part[Position]) -> Batch[Position]:
    """`batch` followed by `part`."""
    chunk = part.chunk
    return Batch(
        newest([*batch.entries, *chunk.entries]),
        [*batch.refused, *chunk.refused],
        batch.position if chunk.position is None else chunk.position,
        min((at for at in (batch.since, chunk.since) if at), default=None),
        batch.read_at,
        batch.count + len(chunk.entries),
        batch.bytes + part.bytes,
        chunk.snapshot,
        batch.as_of if chunk.as_of is None else chunk.as_of,
    )


def newest(entries: Sequence[IndexEntry]) -> list[IndexEntry]:
    """One entry a user, of its highest version (the later one of equals), in the order in which users first occur."""
    kept: dict[str, IndexEntry] = {}
    for entry in entries:
        other = kept.get(entry.id)
        if other is None or entry.version >= other.version:
            kept[entry.id] = entry
    return list(kept.values())
