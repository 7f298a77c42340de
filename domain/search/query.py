"""The plan of a search: which clauses a query's words are looked up by, and what each is worth.

Scores are small integers, so that sums are exact in every engine. A word scores its best clause, words are
AND-ed and summed; hits are ordered by score descending, then id ascending.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

import orjson

from domain.errors import BadInput
from domain.search.analysis import QueryWord, query_words
from domain.users.fields import UNIQUE, Field, Tokens, Unique
from domain.users.filter import EVERYONE, Filter
from domain.users.keys import fold, is_storable
from domain.users.page import BY_ID, decode_cursor, digest, encode_cursor
from domain.users.validation import check_id

MAX_QUERY = 500
"""The longest query, in code points."""

MAX_FACET_VALUES = 50


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
    """It finds who meets all words, and, above those, whose username or e-mail address is `key` (see keys.fold)."""

    words: tuple[Word, ...]
    key: str = ""

    @property
    def finds_nobody(self) -> bool:
        return not self.words and not self.key


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


KEYS = tuple(field for field in UNIQUE if field.unique is Unique.FOLDED)
"""By which fields a user may be asked for in full, whatever their words are."""

_GROUPS = (Tokens.NAME, Tokens.USERNAME, Tokens.EMAIL, Tokens.DOMAIN)
_EXACT, _PREFIX = 24, 20
_TYPO = {1: 16, 2: 12}
"""What a hit in a name is worth, by edits; each further group is worth one less. A domain has no typos."""


KEY_SCORE = 200
"""More than any sum: of MAX_WORDS words each of which scores _EXACT."""


def plan(query: str, *, typos: bool = True, field: str = "query") -> Plan:
    """The plan of a query as it was typed: a last word that no white space follows may be a prefix.

    Raises BadInput for a query longer than MAX_QUERY; `field` is what the caller's client calls it.
    """
    if len(query) > MAX_QUERY:
        raise BadInput(f"{field} is longer than {MAX_QUERY} characters.", field=field)
    words = tuple(Word(word.text, _clauses(word, typos)) for word in query_words(query))
    return Plan(words, fold(query.strip()) if is_storable(query) else "")


def edits_of(word: str) -> int:
    """How many edits (optimal string alignment, on code points) a word is forgiven."""
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


def _clauses(word: QueryWord, typos: bool) -> tuple[Clause, ...]:
    return _clause_table(word.prefix, edits_of(word.text) if typos else 0)


@lru_cache
def _clause_table(prefix: bool, edits: int) -> tuple[Clause, ...]:
    clauses = [Clause(group, Match.EXACT, _EXACT - n) for n, group in enumerate(_GROUPS)]
    if prefix:
        clauses += [Clause(group, Match.PREFIX, _PREFIX - n) for n, group in enumerate(_GROUPS)]
    for count in range(1, edits + 1):
        clauses += [Clause(group, Match.TYPO, _TYPO[count] - n, count) for n, group in enumerate(_GROUPS[:-1])]
    return tuple(clauses)


def search_digest(plan: Plan, filter: Filter) -> str:
    """A short fingerprint of a search: a cursor is good for that search only."""
    words = [[word.text, len(word.clauses)] for word in plan.words]
    return hashlib.blake2b(orjson.dumps([digest(filter, BY_ID), words, plan.key]), digest_size=6).hexdigest()


def search_cursor(hit: Hit, mark: str) -> str:
    """The cursor of `hit` in the search whose digest is `mark`."""
    return encode_cursor([mark, hit.score, hit.id])


def read_cursor(text: str | None, mark: str) -> After | None:
    """Where the page that the cursor `text` ends left off. Raises BadInput if it is not one of this search."""
    if text is None:
        return None
    found, score, id = decode_cursor("after", text, 3)
    if found != mark:
        raise BadInput("after is a cursor of another search: query and filter must stay the same.", field="after")
    if type(score) is not int or not 0 <= score < 2**20 or not isinstance(id, str):
        raise BadInput("after is not a cursor of this service.", field="after")
    return After(score, check_id(id, "after"))
