"""The plan of a search: which clauses a query's words are looked up by, and what each is worth.

Scores are small integers, so that sums are exact in every engine. A word scores its best clause, words are
AND-ed and summed; hits are ordered by score descending, then id ascending.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from domain.users.fields import Field, Tokens
from domain.users.filter import EVERYONE, Filter


class Match(Enum):
    EXACT = "exact"
    PREFIX = "prefix"
    TYPO = "typo"


@dataclass(frozen=True, slots=True)
class Clause:
    """A document meets the clause if a token of `tokens` equals, begins with, or is within `edits` of the word."""

    tokens: Tokens
    match: Match
    score: int
    edits: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """A folded word and its clauses, best first."""

    text: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Without words it finds nobody."""

    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class After:
    """Where a page ends: the next one begins with a lower score, or with the same and a higher id."""

    score: int
    id: str


@dataclass(frozen=True, slots=True)
class SearchRequest:
    plan: Plan
    limit: int
    filter: Filter = EVERYONE
    after: After | None = None
    facets: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    id: str
    score: int


@dataclass(frozen=True, slots=True)
class FacetValue:
    """How many found users have `value`."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`total` counts all that the plan and filter find, whatever the page; `more` says whether hits follow."""

    hits: Sequence[Hit]
    total: int
    more: bool
    facets: Mapping[str, Sequence[FacetValue]] = field(default_factory=dict)
    """By field name, the most frequent values first (ties by value), at most MAX_FACET_VALUES."""


MAX_FACET_VALUES = 50
