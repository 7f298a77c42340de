"""The search document of a user: what Kafka carries and every engine indexes."""

from dataclasses import dataclass
from typing import Any

SearchDocument = dict[str, Any]
"""A user's fields (camelCase, absent omitted, times as RFC 3339 text) and, under `search`, what engines match:
`name`, `username`, `email`, `domain` (space-separated tokens), `usernameKey`, `emailKey`, `attributes` (terms)."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """User `id` at `version`: its document, or None once it is deleted."""

    id: str
    version: int
    document: SearchDocument | None
