"""In what an index can differ from its store, and when that is certain. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.search.document import digest, search_document
from domain.search.index import Held
from domain.users.model import User

SURE_SECONDS = 1.0
"""What no delivery can put right is seen once more after this long."""


class Kind(StrEnum):
    """MISSING, STALE, ORPHANED: the index lacks a user, has an older version, has one whom the store has not.

    DIFFERENT: the version is the store's, the document is not. AHEAD: the index has a version that the store never
    had, or has lost; no repair may touch it, because the store's writes would count as old.
    """

    MISSING = "missing"
    STALE = "stale"
    ORPHANED = "orphaned"
    DIFFERENT = "different"
    AHEAD = "ahead"


LATE = frozenset({Kind.MISSING, Kind.STALE, Kind.ORPHANED})
"""What a delivery that is still under way puts right."""


@dataclass(frozen=True, slots=True)
class Drift:
    """User `id` differs: the version in the store (a tombstone's, too) and that in the index, None where it is not."""

    id: str
    kind: Kind
    stored: int | None
    held: int | None


class Verdict(StrEnum):
    LEVEL = "level"
    WAIT = "wait"
    DRIFT = "drift"


def compare(users: Sequence[User], held: Sequence[Held]) -> list[Drift]:
    """How the index differs in a range of ids: `users` are all of the store's in it, `held` all of the index's."""
    rest = {one.id: one for one in held}
    found = [judge(user.id, user, rest.pop(user.id, None)) for user in users]
    found += [judge(one.id, None, one) for one in rest.values()]
    return [drift for drift in found if drift is not None]


def judge(id: str, user: User | None, held: Held | None) -> Drift | None:
    """How user `id` differs. `held` was read before `user`: the index cannot have what the store has not yet."""
    kind = _kind(user, held)
    if kind is None:
        return None
    return Drift(id, kind, user.version if user else None, held.version if held else None)


def _kind(user: User | None, held: Held | None) -> Kind | None:
    if user is None or user.deleted:
        return None if held is None else Kind.ORPHANED
    if held is None:
        return Kind.MISSING
    if held.version != user.version:
        return Kind.STALE if held.version < user.version else Kind.AHEAD
    return None if held.digest == document_digest(user) else Kind.DIFFERENT


def document_digest(user: User) -> int | None:
    """The digest of the document of a live user, None if there can be none: then no index is right to have one."""
    try:
        return digest(search_document(user))
    except Exception:  # whatever it is, the pipeline has met it as well, and logged it beside the dead letter
        return None


def verdict(suspicion: Drift, present: Drift, age: float, patience: float) -> Verdict:
    """What to think of a `suspicion` of `age` seconds, given how the user differs now.

    A user who changes all the time may always be a little behind: it is enough that the index has moved, and reached
    the version that the store had at the suspicion.
    """
    if present.kind is Kind.STALE and _moved(suspicion, present.held or 0):
        return Verdict.LEVEL
    needed = patience if present.kind in LATE else min(patience, SURE_SECONDS)
    return Verdict.DRIFT if age >= needed else Verdict.WAIT


def _moved(suspicion: Drift, held: int) -> bool:
    return held > (suspicion.held or 0) and held >= (suspicion.stored or 0)
