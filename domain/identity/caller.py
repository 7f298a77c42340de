"""Who calls: a subject and the rights that its token carries."""

from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """A right is named by its scope; each one includes those before it."""

    READ = "user:read"
    WRITE = "user:write"
    ADMIN = "user:admin"


INCLUDED: dict[Right, frozenset[Right]] = {
    Right.READ: frozenset({Right.READ}),
    Right.WRITE: frozenset({Right.READ, Right.WRITE}),
    Right.ADMIN: frozenset(Right),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The token's `sub` (a user's id where the caller is a user) and all rights, included ones too."""

    subject: str
    rights: frozenset[Right] = frozenset()

    def has(self, right: Right) -> bool:
        return right in self.rights

    def is_user(self, id: str) -> bool:
        """Whether the caller is that user."""
        return self.subject == id
