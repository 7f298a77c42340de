"""Dead letters delivered again: by the pipeline that refused them, or here where several may write."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from domain.backends import StoreBackend, open_index_writer
from domain.errors import SearchUnavailable
from domain.settings import Mode, Settings
from indexer import retry
from indexer.again import Again
from indexer.dead_letters import DeadLetter, DeadLetters
from indexer.pairs import INDEXER, PAIRS
from indexer.projection import Projection
from indexer.requests import Kind, Request, done, is_answered, post
from indexer.sinks.index import IndexSink
from indexer.sinks.shared import SharedSink

NO_USER = "It is about no user: drop it once whoever wrote it is mended."

Users = Mapping[str, int]
"""Ids and versions."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Who delivers which users: `directly` this process, `asked` the pipelines by name; or why nobody can, by key."""

    directly: dict[str, int] = field(default_factory=dict)
    asked: dict[str, dict[str, int]] = field(default_factory=dict)
    impossible: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the letter under `key`; `why` it is still there."""

    key: str
    delivered: bool
    why: str = ""


def plan(letters: Sequence[DeadLetter], mode: Mode) -> Plan:
    """Only the index of the cluster takes writes of several processes: all other sinks belong to their pipeline."""
    made, names = Plan(), {pair.name for pair in PAIRS[mode]}
    for letter in letters:
        if not letter.id:
            made.impossible[letter.key] = NO_USER
        elif letter.origin not in names:
            made.impossible[letter.key] = f"{letter.origin} does not run in the mode {mode}: drop it, and verify."
        elif letter.origin == INDEXER.name:
            made.directly[letter.id] = letter.version
        else:
            made.asked.setdefault(letter.origin, {})[letter.id] = letter.version
    return made


class Replay:
    """Waits up to `seconds` for a pipeline, or for an index that is busy."""

    def __init__(self, settings: Settings, store: StoreBackend, letters: DeadLetters, *, seconds: float) -> None:
        self._settings = settings
        self._store = store
        self._letters = letters
        self._seconds = seconds

    async def deliver(self, letters: Sequence[DeadLetter]) -> AsyncGenerator[Replayed]:
        """Try it with `letters` (at most 1,000), and tell what became of each.

        Raises StoreUnavailable, KafkaUnavailable, SearchUnavailable, IndexMismatch.
        """
        made = plan(letters, self._settings.mode)
        late: dict[str, str] = {}
        if made.directly:
            late |= await self._directly(made.directly)
        requests = {name: await post(self._store.ledger, name, Kind.WRITE, users) for name, users in made.asked.items()}
        for name, request in requests.items():
            late |= await self._answer(name, request)
        left = await self._letters.get([letter.key for letter in letters])
        for letter in letters:
            yield became(letter, left.get(letter.key), made.impossible | late)

    async def _directly(self, users: Users) -> Mapping[str, str]:
        async with open_index_writer(self._settings) as writer:
            sink = SharedSink(IndexSink(writer))
            again = Again(self._store.store, sink, self._letters, Projection(INDEXER.name))
            try:
                async with asyncio.timeout(self._seconds):
                    await _until_taken(again, users)
            except TimeoutError:
                return dict.fromkeys(users, f"the search engine was busy for {self._seconds:g} s: try again later.")
        return {}

    async def _answer(self, pipeline: str, request: Request) -> Mapping[str, str]:
        if not await is_answered(self._store.ledger, pipeline):
            why = f"no indexer runs {pipeline}: it is done once one does."
        elif not await done(self._store.ledger, request, self._seconds):
            why = f"{pipeline} did not get to it within {self._seconds:g} s: see `indexer status`; it is still asked."
        else:
            return {}
        return dict.fromkeys(request.users, why)


def became(letter: DeadLetter, left: DeadLetter | None, late: Mapping[str, str]) -> Replayed:
    """What to tell of `letter`, in whose place `left` is there now."""
    if left is None:
        return Replayed(letter.key, delivered=True)
    if left != letter:
        return Replayed(letter.key, delivered=False, why=f"refused again, attempt {left.attempts}: {left.reason}")
    return Replayed(letter.key, delivered=False, why=late.get(letter.key, "nobody has tried it."))


async def _until_taken(again: Again, users: Users) -> None:
    attempts = 0
    while True:
        try:
            if await again.write(users):
                return
        except SearchUnavailable:
            if attempts >= 3:
                raise
        attempts += 1
        await asyncio.sleep(retry.delay(attempts))
