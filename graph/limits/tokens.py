"""How long a document may be, in tokens and in characters."""

from collections.abc import Iterator

from strawberry.extensions import SchemaExtension

from domain.errors import LimitExceeded

MAX_CHARACTERS = 100_000
"""Bounds the memory of the parse and validation caches; values belong into variables, which are not in them."""


class TokenLimit(SchemaExtension):
    """Raises LimitExceeded for a document that is too long; the parser itself stops at the token after the last."""

    def __init__(self, max_tokens: int) -> None:
        self._max_tokens = max_tokens

    def on_operation(self) -> Iterator[None]:
        query = self.execution_context.query or ""
        if len(query) > MAX_CHARACTERS:
            raise LimitExceeded(
                f"The document has {len(query)} characters, at most {MAX_CHARACTERS} are allowed: use variables."
            )
        self.execution_context.parse_options["max_tokens"] = self._max_tokens
        yield
