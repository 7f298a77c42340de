"""Keys: by what two usernames, e-mail addresses or external ids are the same."""

import unicodedata

from domain.users.fields import Field, Unique


def fold(text: str) -> str:
    """Casefold and NFKC, repeated until nothing changes (one pass is not a fixed point for some characters)."""
    if text.isascii():
        return text.lower()
    while True:
        folded = unicodedata.normalize("NFKC", text.casefold())
        if folded == text:
            return text
        text = folded


def key(field: Field, value: str) -> str:
    """What `field` is compared by: folded for usernames and e-mail addresses, the value itself elsewhere."""
    return fold(value) if field.unique is Unique.FOLDED else value


def is_storable(text: str) -> bool:
    """Whether every store and driver can hold or be asked for `text`: no NUL, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
