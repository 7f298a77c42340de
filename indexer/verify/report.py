"""What a comparison found: counts by kind, some examples, and what a repair left. No personal data."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from indexer.verify.drift import Drift, Kind

EXAMPLES = 10
"""Of each kind."""


@dataclass(frozen=True, slots=True)
class Report:
    """`users` and `documents` were compared: all live users of the store, all documents of `index`.

    `remaining`: what was found and a repair did not put right; without a repair all that was found. `examples` are of
    what was found, `dead_letters` those of them of whom there is one. `explained`: how many of the remaining have a
    dead letter. `hurried`: there was so much that the last ones were looked at again without waiting.
    """

    index: str
    users: int
    documents: int
    seconds: float
    found: Mapping[Kind, int]
    remaining: Mapping[Kind, int]
    examples: Sequence[Drift]
    dead_letters: frozenset[str] = frozenset()
    explained: int = 0
    repaired: bool = False
    hurried: bool = False

    @property
    def drift(self) -> int:
        """How many users differ still."""
        return sum(self.remaining.values())

    @property
    def unexplained(self) -> int:
        """How many of them have no dead letter."""
        return self.drift - self.explained

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "index": self.index,
            "users": self.users,
            "documents": self.documents,
            "seconds": round(self.seconds, 1),
            "drift": self.drift,
            "found": {kind.value: self.found.get(kind, 0) for kind in Kind},
            "repaired": self.repaired,
            "remaining": {kind.value: self.remaining.get(kind, 0) for kind in Kind},
            "hurried": self.hurried,
            "examples": [
                {
                    "kind": drift.kind.value,
                    "id": drift.id,
                    "storeVersion": drift.stored,
                    "indexVersion": drift.held,
                    "inDeadLetters": drift.id in self.dead_letters,
                }
                for drift in self.examples
            ],
        }


@dataclass
class Tally:
    """Counts, and the first examples of each kind. `buried`: how many there were of whom there is a dead letter."""

    dead_letter_ids: Container[str] = frozenset()
    buried: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)
    examples: dict[Kind, list[Drift]] = field(default_factory=lambda: {kind: [] for kind in Kind})

    def add(self, drifts: Iterable[Drift]) -> None:
        for drift in drifts:
            self.counts[drift.kind] += 1
            self.buried += drift.id in self.dead_letter_ids
            if len(self.examples[drift.kind]) < EXAMPLES:
                self.examples[drift.kind].append(drift)

    @property
    def shown(self) -> list[Drift]:
        return [drift for kind in Kind for drift in self.examples[kind]]
