"""Text analysis: what a text's tokens are, in documents and in queries alike; engines only split at white space."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

MAX_TOKEN_BYTES = 40
MAX_WORDS = 8
_KEPT_LENGTH = 64

_APOSTROPHES: dict[int, int | str | None] = {ord(c): "'" for c in "'’‘‛`´ʹʼʻʾʿˈ׳"}
_LETTERS = _APOSTROPHES | str.maketrans("øłđıðħŋĸŧəәىیةھہک", "oldidhnkteаييهههك", "ـ")
_LETTERS |= {ord("æ"): "ae", ord("œ"): "oe", ord("þ"): "th"}
"""Letters that do not decompose, after casefolding (which has already made ß ss)."""

_JOINERS = frozenset("-‐‒–—־._+")
_KANA_VOICING = frozenset("\u3099\u309a")
_CJK = re.compile(
    "[\u3005\u3007\u3040-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
)

# One letter a character: w(ord), c(jk), j(oiner), a(postrophe) or a space. A change of script ends a compound.
_COMPOUND = re.compile("[wja]*w[wja]*|[cja]*c[cja]*")
_PART = re.compile("[^j]+")
_PIECE = re.compile("[^a]+")

Span = tuple[int, int]


class Part(NamedTuple):
    """A run of letters of a folded text; an apostrophe within divides it into several pieces."""

    text: str
    pieces: tuple[Span, ...]


class Compound(NamedTuple):
    """Parts that were joined by hyphens, dots and the like: `jean-luc`."""

    parts: tuple[Part, ...]
    cjk: bool

    @property
    def joined(self) -> str:
        return "".join(part.text for part in self.parts)


class QueryWord(NamedTuple):
    """`prefix`: it may be the beginning of a word that is still being typed."""

    text: str
    prefix: bool


def fold(text: str) -> str:
    """`text` without case and marks, apostrophes unified; kana keep their voicing, Hangul its syllables."""
    if text.isascii():
        return text.lower().replace("`", "'")
    text = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    text = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    return unicodedata.normalize("NFC", "".join(c for c in text if not _is_dropped(c)))


@lru_cache(32768)
def _is_dropped(character: str) -> bool:
    return character not in _KANA_VOICING and unicodedata.category(character) in ("Mn", "Me", "Cf")


@lru_cache(32768)
def _class_of(character: str) -> str:
    if character == "'":
        return "a"
    if character in _JOINERS:
        return "j"
    if _CJK.match(character):
        return "c"
    return "w" if character.isalnum() or unicodedata.category(character) == "Mc" else " "


def is_cjk(character: str) -> bool:
    """Whether the folded `character` is of a script written without spaces that is indexed by pairs."""
    return _class_of(character) == "c"


def cluster_spans(text: str) -> Iterator[Span]:
    """The parts of `text` that can be folded one by one: a character and what is drawn with or composed into it."""
    start = 0
    for i in range(1, len(text)):
        if not _continues(text[i]):
            yield start, i
            start = i
    if text:
        yield start, len(text)


@lru_cache(32768)
def _continues(character: str) -> bool:
    """Marks, format characters, halfwidth voicing marks, and what ends a syllable of Hangul written by letters."""
    return (
        unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")
        or character in "\uff9e\uff9f"
        or "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7fb"
        or "\u314f" <= character <= "\u3163"
        or "\uffc2" <= character <= "\uffdc"
    )


def split(folded: str) -> Iterator[Compound]:
    """The compounds of a folded text, in order; the spans of their pieces are places in it."""
    classes = "".join(map(_class_of, folded))
    for compound in _COMPOUND.finditer(classes):
        parts = []
        for part in _PART.finditer(classes, *compound.span()):
            pieces = tuple(piece.span() for piece in _PIECE.finditer(classes, *part.span()))
            if pieces:
                parts.append(Part("".join(folded[start:end] for start, end in pieces), pieces))
        yield Compound(tuple(parts), "c" in compound[0])


def cut(token: str) -> str:
    """The longest beginning of `token` that is within MAX_TOKEN_BYTES of UTF-8."""
    if len(token) * 4 <= MAX_TOKEN_BYTES:
        return token
    return token.encode()[:MAX_TOKEN_BYTES].decode(errors="ignore")


def pairs(run: str) -> Iterator[str]:
    """All pairs of neighbours, and the last character alone: so every character begins a token."""
    return (run[i : i + 2] for i in range(len(run)))


def tokens(text: str) -> frozenset[str]:
    """The tokens by which `text` is found. Those of long texts are not kept: they repeat seldom and take much room."""
    return _kept_tokens(text) if len(text) <= _KEPT_LENGTH else _tokens(text)


@lru_cache(65536)
def _kept_tokens(text: str) -> frozenset[str]:
    return _tokens(text)


def _tokens(text: str) -> frozenset[str]:
    if text.isascii() and text.isalnum():
        return frozenset((cut(text.lower()),))
    folded = fold(text)
    found: set[str] = set()
    for compound in split(folded):
        forms = [part.text for part in compound.parts]
        if len(forms) > 1:
            forms.append(compound.joined)
        for part in compound.parts:
            if len(part.pieces) > 1:
                forms.extend(folded[start:end] for start, end in part.pieces)
        for form in forms:
            if compound.cjk:
                found.update(pairs(form))
            else:
                found.add(cut(form))
    return frozenset(found)


def query_words(query: str) -> tuple[QueryWord, ...]:
    """The words of a query, each once, at most MAX_WORDS.

    The last one may be a prefix unless white space follows it, and so may a single CJK character anywhere.
    """
    words: dict[str, QueryWord] = {}
    last = ""
    for compound in split(fold(query)):
        for part in compound.parts:
            if compound.cjk:
                for word in list(pairs(part.text))[: max(1, len(part.text) - 1)]:
                    words[word] = QueryWord(word, prefix=len(word) == 1)
                last = ""
            else:
                last = cut(part.text)
                words[last] = QueryWord(last, prefix=False)
    if last and not query[-1].isspace():
        words[last] = QueryWord(last, prefix=True)
    return tuple(words.values())[:MAX_WORDS]
