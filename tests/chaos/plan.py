"""Which faults come when: drawn from a seed, every kind as often as any other. Pure."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    KILL = "kill -9"
    PAUSE = "SIGSTOP"
    REFUSED_REQUESTS = "429 per request"
    REFUSED_ITEMS = "429 per item"
    POISON = "poison records"
    EXPIRY = "pause past gc_deletes"


COUNTED = frozenset({Kind.KILL, Kind.PAUSE, Kind.EXPIRY})
"""Kinds that stop a process; the others come on top."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`target`: whom it hits. `seconds`: how long. `calm`: whether the index catches up before the next one."""

    kind: Kind
    target: str
    seconds: float
    calm: bool


LONGEST_SECONDS = 4.0


def plan(
    count: int, targets: Sequence[str], extras: Sequence[Kind], seed: int, *, longest: float = LONGEST_SECONDS
) -> Iterator[Fault]:
    """`count` kills and pauses of `targets`, one of `extras` after every few; each round hits every target each way.

    None is longer than `longest` seconds.
    """
    draw = random.Random(seed)
    extra = _rounds([(kind, "Elasticsearch" if kind is not Kind.POISON else "Kafka") for kind in extras], draw)
    hits = _rounds([(kind, target) for target in targets for kind in (Kind.KILL, Kind.PAUSE)], draw)
    every = max(2, count // (2 * len(extras) + 1)) if extras else 0
    for number in range(1, count + 1):
        kind, target = next(hits)
        yield Fault(kind, target, round(draw.uniform(0.3, longest), 1), draw.random() < 0.4)
        if every and number % every == 0:
            kind, target = next(extra)
            yield Fault(kind, target, round(draw.uniform(0.5, longest / 2), 1), calm=False)


def _rounds(choices: Sequence[tuple[Kind, str]], draw: random.Random) -> Iterator[tuple[Kind, str]]:
    while True:
        yield from draw.sample(choices, len(choices))
