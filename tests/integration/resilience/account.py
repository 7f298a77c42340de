"""What the store and the index must hold, from what writers were told. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from domain.users.model import User


@dataclass(frozen=True, slots=True)
class State:
    """A user as one write leaves it; a deleted one has no text."""

    version: int
    text: str | None


@dataclass(slots=True)
class Account:
    """All writes that were sent: those acknowledged, and apart from them those of which nobody knows the outcome.

    A user with an unknown outcome is not written again, so that it has one of two states.
    """

    acknowledged: dict[str, State] = field(default_factory=dict)
    """By id: what the last acknowledged write left."""

    unknown: dict[str, State] = field(default_factory=dict)
    """By id: what the write after that would leave, if it was made."""

    unknown_creations: set[str] = field(default_factory=set)
    """Usernames that may exist, at version 1."""

    def store_problems(self, users: Mapping[str, User]) -> Iterator[str]:
        """Where `users` (all of the store by id, tombstones included) are not what was acknowledged."""
        for id, state in self.acknowledged.items():
            found = state_of(users[id]) if id in users else None
            if found != state and (found is None or found != self.unknown.get(id)):
                yield f"{id}: {state} was acknowledged, then {self.unknown.get(id)} asked for; the store has {found}"
        for id in users.keys() - self.acknowledged.keys():
            user = users[id]
            if user.username not in self.unknown_creations or user.version != 1:
                yield f"{id}: nobody wrote {user.username} at version {user.version}"


def state_of(user: User) -> State:
    return State(user.version, None if user.deleted else user.display_name)


def index_problems(live: Mapping[str, int], indexed: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Where an index, by (id, version), is not exactly the store's live users, versions by id."""
    found = dict(indexed)
    for id, version in live.items():
        if found.get(id) != version:
            yield f"{id}: version {version} in the store, {found.get(id)} in the index"
    for id in found.keys() - live.keys():
        yield f"{id}: version {found[id]} in the index, not in the store"
