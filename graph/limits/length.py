"""How long a document may be; the parser itself stops at the token after the last that is allowed."""

from domain.errors import LimitExceeded

MAX_CHARACTERS = 100_000
"""Bounds the memory of the documents that are kept; values belong into variables, which are not in them."""


def check_length(text: str) -> None:
    """Raises LimitExceeded."""
    if len(text) > MAX_CHARACTERS:
        raise LimitExceeded(
            f"The document has {len(text)} characters, at most {MAX_CHARACTERS} are allowed: use variables."
        )
