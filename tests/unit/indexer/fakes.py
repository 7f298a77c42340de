"""Sources and sinks that fail exactly where a test says, and clocks that stand still."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.search.document import IndexEntry
from domain.search.index import Outcome, Result
from indexer.dead_letters import DeadLetter
from indexer.sources.source import Chunk

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def user_id(number: int) -> str:
    return f"01J{number:023d}"


def entry(number: int, version: int = 1, *, padding: str = "") -> IndexEntry:
    id = user_id(number)
    return IndexEntry(id, version, {"id": id, "version": version, "displayName": padding})


def deletion(number: int, version: int) -> IndexEntry:
    return IndexEntry(user_id(number), version, None)


@dataclass
class FakeClock:
    """A monotonic clock that a test moves."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


Step = Chunk[str] | Exception | Callable[[], None]


@dataclass
class FakeSource:
    """Tells `steps` in order (an exception is raised, a function called), then waits for ever."""

    steps: Sequence[Step]
    committed: list[str] = field(default_factory=list)
    commit_error: Exception | None = None
    behind: int | None = 0
    told: int = 0
    closed: bool = False

    async def chunks(self) -> AsyncGenerator[Chunk[str], None]:
        try:
            for step in self.steps:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, Chunk):
                    self.told += 1
                    yield step
                else:
                    step()
            await asyncio.Event().wait()
        finally:
            self.closed = True

    async def commit(self, position: str) -> None:
        if self.commit_error:
            raise self.commit_error
        self.committed.append(position)

    async def lag(self) -> int | None:
        return self.behind


Answer = Exception | Callable[[Sequence[IndexEntry]], Sequence[Result] | None]


@dataclass
class FakeSink:
    """Applies external versions like an index; `answers` come first, one a write (None: as an index would)."""

    answers: list[Answer] = field(default_factory=list)
    writes: list[list[IndexEntry]] = field(default_factory=list)
    users: dict[str, IndexEntry] = field(default_factory=dict)

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        self.writes.append(list(entries))
        await asyncio.sleep(0)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            results = answer(entries)
            if results is not None:
                return results
        return [self._apply(entry, repair=repair) for entry in entries]

    def _apply(self, entry: IndexEntry, *, repair: bool) -> Result:
        held = self.users.get(entry.id)
        if held is not None and held.version >= entry.version + repair:
            return Result(Outcome.STALE)
        self.users[entry.id] = entry
        return Result(Outcome.APPLIED)

    async def empty(self) -> bool:
        return not self.users

    async def held(self) -> AsyncGenerator[Sequence[tuple[str, int]], None]:
        found = [(entry.id, entry.version) for entry in self.users.values() if entry.document is not None]
        for start in range(0, len(found), 2):
            yield found[start : start + 2]


@dataclass
class FakeDeadLetters:
    letters: list[DeadLetter] = field(default_factory=list)
    error: Exception | None = None

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        if self.error:
            raise self.error
        self.letters.extend(letters)

    async def get(self, keys: Sequence[str]) -> Mapping[str, DeadLetter]:
        return {letter.key: letter for letter in self.letters if letter.key in keys}

    async def page(self, after: str | None, limit: int) -> Sequence[DeadLetter]:
        newest = {letter.key: letter for letter in self.letters if letter.key > (after or "")}
        return [newest[key] for key in sorted(newest)[:limit]]

    async def drop(self, keys: Sequence[str]) -> None:
        self.letters = [letter for letter in self.letters if letter.key not in keys]
