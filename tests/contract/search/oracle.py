"""The oracle: a search index without an index, as plain as the definition it is."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from domain.search.document import IndexEntry, SearchDocument
from domain.search.index import Outcome, Result
from domain.search.query import (
    KEY_SCORE,
    MAX_FACET_VALUES,
    Clause,
    FacetValue,
    Hit,
    Match,
    Plan,
    SearchRequest,
    SearchResult,
    Word,
)
from domain.users.fields import FIELDS, Field, Kind, Tokens
from domain.users.filter import compared_values, matches
from domain.users.model import User, from_document


class Oracle:
    """Both ports over one dictionary, `entries`: what was written last of each user, deletions included."""

    def __init__(self) -> None:
        self.entries: dict[str, IndexEntry] = {}
        self._scores: dict[Plan, Mapping[str, int]] = {}

    async def prepare(self) -> None:
        pass

    async def ping(self) -> None:
        pass

    async def write(self, entries: Sequence[IndexEntry], *, repair: bool = False) -> Sequence[Result]:
        return [self._write(entry, repair) for entry in entries]

    def _write(self, entry: IndexEntry, repair: bool) -> Result:
        known = self.entries.get(entry.id)
        if known and (entry.version < known.version or (entry.version == known.version and not repair)):
            return Result(Outcome.STALE)
        self.entries[entry.id] = entry
        self._scores.clear()
        return Result(Outcome.APPLIED)

    def forget(self, ids: Iterable[str]) -> None:
        """Delete users as if nothing had ever been written of them."""
        for id in ids:
            self.entries.pop(id, None)
        self._scores.clear()

    async def scan(self, after: str | None, limit: int) -> Sequence[tuple[str, int]]:
        found = [(entry.id, entry.version) for entry in self.entries.values() if entry.document is not None]
        return sorted(one for one in found if one[0] > (after or ""))[:limit]

    async def versions(self, ids: Sequence[str]) -> Mapping[str, int]:
        found = (self.entries[id] for id in ids if id in self.entries)
        return {entry.id: entry.version for entry in found if entry.document is not None}

    async def search(self, request: SearchRequest) -> SearchResult:
        documents = {entry.id: entry.document for entry in self.entries.values() if entry.document is not None}
        plan = request.plan
        if plan not in self._scores:
            owners = {id: KEY_SCORE for id, document in documents.items() if _has_key(document, plan.key)}
            self._scores[plan] = {**_scores(documents, plan.words), **owners}
        found = []
        for id, score in self._scores[plan].items():
            if matches(request.filter, user := _user(documents[id])):
                found.append((-score, id, user))
        found.sort(key=lambda one: one[:2])
        after = (-request.after.score, request.after.id) if request.after else (-(2**31), "")
        hits = [Hit(id, -negative) for negative, id, _ in found if (negative, id) > after]
        users = [user for _, _, user in found]
        return SearchResult(
            hits[: request.limit],
            total=len(found),
            more=len(hits) > request.limit,
            facets={field.name: _counts(field, users) for field in request.facets},
        )


def _has_key(document: SearchDocument, key: str) -> bool:
    return bool(key) and key in {document["search"].get("usernameKey"), document["search"].get("emailKey")}


def _scores(documents: Mapping[str, SearchDocument], words: Sequence[Word]) -> Mapping[str, int]:
    """The scores of those found: the sum of every word's best clause. Who lacks a word is not found."""
    if not words:
        return {}
    tokens = {
        group: {id: frozenset(document["search"].get(group.value, "").split()) for id, document in documents.items()}
        for group in Tokens
    }
    best = [_best(tokens, word) for word in words]
    return {id: sum(one[id] for one in best) for id in documents if all(id in one for one in best)}


def _best(tokens: Mapping[Tokens, Mapping[str, frozenset[str]]], word: Word) -> Mapping[str, int]:
    """The score of the best clause that each user meets."""
    best: dict[str, int] = {}
    for clause in word.clauses:
        vocabulary = frozenset().union(*tokens[clause.tokens].values())
        wanted = frozenset(token for token in vocabulary if _meets(token, word.text, clause))
        for id, owned in tokens[clause.tokens].items():
            if not wanted.isdisjoint(owned):
                best[id] = max(best.get(id, 0), clause.score)
    return best


def _meets(token: str, word: str, clause: Clause) -> bool:
    match clause.match:
        case Match.EXACT:
            return token == word
        case Match.PREFIX:
            return token.startswith(word)
        case Match.TYPO:
            return distance(word, token) <= clause.edits


@lru_cache(None)
def distance(one: str, other: str) -> int:
    """Optimal string alignment; 3 stands for all that is more than 2."""
    if abs(len(one) - len(other)) > 2 or len(_letters(one) - _letters(other)) > 2:
        return 3
    table = [[max(i, j) if 0 in (i, j) else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            replaced = table[i - 1][j - 1] + (one[i - 1] != other[j - 1])
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, replaced)
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 1] + other[j - 2]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return min(table[-1][-1], 3)


@lru_cache(None)
def _letters(word: str) -> frozenset[str]:
    """A letter that the other word lacks takes at least one edit."""
    return frozenset(word)


def _user(document: SearchDocument) -> User:
    times = {f.name: datetime.fromisoformat(document[f.name]) for f in FIELDS if f.kind is Kind.TIME}
    return from_document(document | times)


def _counts(field: Field, users: Sequence[User]) -> Sequence[FacetValue]:
    counts = Counter(str(value) for user in users for value in compared_values(field, user))
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [FacetValue(value, count) for value, count in ordered[:MAX_FACET_VALUES]]
