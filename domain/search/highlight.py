"""Highlights: which letters of a user's stored texts a search found. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from domain.search.analysis import Compound, Span, cluster_spans, cut, fold, split
from domain.search.distance import within
from domain.search.document import joined_name
from domain.search.query import KEYS, Clause, Match, Plan, Word
from domain.users.fields import BY_NAME, FIELDS, Tokens
from domain.users.keys import key
from domain.users.model import User


@dataclass(frozen=True, slots=True)
class Fragment:
    text: str
    hit: bool


@dataclass(frozen=True, slots=True)
class Highlight:
    """A field with a hit; its fragments, put together, are its whole text."""

    field: str
    fragments: Sequence[Fragment]


class _Token(NamedTuple):
    """A token and, for each of its characters, the place in the original text."""

    text: str
    places: Sequence[Span]


def highlights(user: User, plan: Plan) -> Sequence[Highlight]:
    """The fields of `user` that have a hit, in the order of the field table."""
    marks = {field.name: _field_marks(user, field.name, plan) for field in FIELDS if field.searched}
    for name, more in _joined_name_marks(user, plan):
        marks[name] += more
    return [
        Highlight(name, _fragments(getattr(user, BY_NAME[name].attribute), _merged(found)))
        for name, found in marks.items()
        if found
    ]


def _field_marks(user: User, name: str, plan: Plan) -> list[Span]:
    field = BY_NAME[name]
    text = getattr(user, field.attribute)
    if text is None or field.searched is None:
        return []
    if field in KEYS and plan.key and key(field, text) == plan.key:
        return [(0, len(text))]
    if field.searched is not Tokens.EMAIL:
        return list(_marks(text, field.searched, plan))
    at = text.rfind("@")
    local, domain = text[: max(at, 0)], text[at + 1 :]
    return [
        *_marks(local, Tokens.EMAIL, plan),
        *((start + at + 1, end + at + 1) for start, end in _marks(domain, Tokens.DOMAIN, plan)),
    ]


def _joined_name_marks(user: User, plan: Plan) -> Iterator[tuple[str, list[Span]]]:
    """The marks of tokens that lie across family and given name, in each of the two."""
    joined = joined_name(user)
    if joined is None or user.family_name is None:
        return
    middle, end = len(user.family_name), len(joined)
    marks = list(_marks(joined, Tokens.NAME, plan))
    for name, first, last in (("familyName", 0, middle), ("givenName", middle, end)):
        clipped = ((max(a, first) - first, min(b, last) - first) for a, b in marks)
        yield name, [(a, b) for a, b in clipped if a < b]


def _marks(text: str, group: Tokens, plan: Plan) -> Iterator[Span]:
    """The places in `text` of all that the plan's clauses on `group` find.

    Of two forms of the same letters the better hit is marked: `neill` in O'Neill, not the typo for `oneill`.
    """
    tokens = list(_tokens(text))
    for word in plan.words:
        taken = bytearray(len(text))  # by better hits
        for _, hits in groupby(sorted(_hits(word, tokens, group), reverse=True), key=itemgetter(0)):
            free = [(start, end) for _, start, end in hits if not any(taken[start:end])]
            for start, end in free:
                taken[start:end] = b"\1" * (end - start)
            yield from free


def _hits(word: Word, tokens: Sequence[_Token], group: Tokens) -> Iterator[tuple[int, int, int]]:
    """The score and place of every token's hit."""
    clauses = [clause for clause in word.clauses if clause.tokens is group]
    for token in tokens:
        for clause in clauses:
            length = _hit_length(clause, word.text, token.text)
            if length:
                yield clause.score, token.places[0][0], token.places[length - 1][1]
                break


def _hit_length(clause: Clause, word: str, token: str) -> int:
    """How many characters at the beginning of `token` are the hit: all of them unless it is a prefix; 0: no hit."""
    match clause.match:
        case Match.EXACT:
            return len(token) if token == word else 0
        case Match.PREFIX:
            return len(word) if token.startswith(word) else 0
        case Match.TYPO:
            return len(token) if within(word, token, clause.edits) else 0


def _tokens(text: str) -> Iterator[_Token]:
    """The tokens of `text` as analysis.tokens makes them, with their places."""
    folded, places = _fold_with_places(text)
    for compound in split(folded):
        for spans in _forms(compound):
            indexes = [i for start, end in spans for i in range(start, end)]
            form = "".join(folded[i] for i in indexes)
            if compound.cjk:
                for n in range(len(form)):
                    yield _Token(form[n : n + 2], [places[i] for i in indexes[n : n + 2]])
            else:
                yield _Token(cut(form), [places[i] for i in indexes])


def _forms(compound: Compound) -> Iterator[Sequence[Span]]:
    """The places of every form under which a compound is indexed: its parts, their pieces, all joined."""
    for part in compound.parts:
        yield part.pieces
        if len(part.pieces) > 1:
            yield from ([piece] for piece in part.pieces)
    if len(compound.parts) > 1:
        yield [piece for part in compound.parts for piece in part.pieces]


def _fold_with_places(text: str) -> tuple[str, list[Span]]:
    """The folded text and, for each of its characters, the cluster of `text` that it comes from."""
    folded: list[str] = []
    places: list[Span] = []
    for start, end in cluster_spans(text):
        piece = fold(text[start:end])
        folded.append(piece)
        places += [(start, end)] * len(piece)
    return "".join(folded), places


def _merged(marks: list[Span]) -> list[Span]:
    """The marks in order, those that touch made one."""
    merged: list[Span] = []
    for start, end in sorted(marks):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _fragments(text: str, marks: Sequence[Span]) -> list[Fragment]:
    fragments: list[Fragment] = []
    done = 0
    for start, end in marks:
        if done < start:
            fragments.append(Fragment(text[done:start], hit=False))
        fragments.append(Fragment(text[start:end], hit=True))
        done = end
    if done < len(text):
        fragments.append(Fragment(text[done:], hit=False))
    return fragments
