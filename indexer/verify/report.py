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
    what was found. `hurried`: there was so much that the last ones were looked at again without waiting.
    """

    index: str
    users: int
    documents: int
    seconds: float
    found: Mapping[Kind, int]
    remaining: Mapping[Kind, int]
    examples: Sequence[Drift]
    dead_letters: frozenset[str] = frozenset()
    repaired: bool = False
    hurried: bool = False

    @property
    def drift(self) -> int:
        """How many users differ still."""
        return sum(self.remaining.values())

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
    """Counts, and the first examples of each kind."""

    dead_letter_ids: Container[str] = frozenset()
    counts: Counter[Kind] = field(default_factory=Counter)
    examples: dict[Kind, list[Drift]] = field(default_factory=lambda: {kind: [] for kind in Kind})

    def add(self, drifts: Iterable[Drift]) -> None:
        for drift in drifts:
            self.counts[drift.kind] += 1
            if len(self.examples[drift.kind]) < EXAMPLES:
                self.examples[drift.kind].append(drift)

    @property
    def shown(self) -> list[Drift]:
        return [drift for kind in Kind for drift in self.examples[kind]]

    @property
    def buried(self) -> frozenset[str]:
        """Those of the examples of whom there is a dead letter."""
        return frozenset(drift.id for drift in self.shown if drift.id in self.dead_letter_ids)
