"""What the store must hold, from the calls that clients made. Pure; the judge of every order is tests/porcupine."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from domain.users.model import User
from tests.chaos.history import Call, Op, Outcome

State = tuple[int, str | None]
"""A version, and the display name that it has; a deleted user has none."""


def lost(calls: Iterable[Call], users: Mapping[str, User]) -> Iterator[str]:
    """The acknowledged writes that are not in the store, `users` (by id, tombstones included), one line each.

    A write is there if the user has its version and text, or a later version, and no other write was acknowledged
    with the same version.
    """
    made: dict[tuple[str, int], Call] = {}
    for call in calls:
        if not call.acknowledged:
            continue
        user = users.get(call.user)
        first = made.setdefault((call.user, call.version), call)
        if first is not call:
            yield f"{call.user}: version {call.version} was acknowledged twice, for {first.text!r} and {call.text!r}"
        elif user is None or user.version < call.version:
            yield f"{call.user}: version {call.version} was acknowledged, the store has {user and user.version}"
        elif user.version == call.version and state_of(user) != (call.version, call.text):
            yield f"{call.user}: {call.text!r} was acknowledged as version {call.version}, the store has another text"


def unasked(calls: Sequence[Call], users: Mapping[str, User]) -> Iterator[str]:
    """The users whose state nobody asked for, one line each.

    A write of unknown outcome may have been made, at the next version or behind others of that kind.
    """
    acknowledged: dict[str, int] = {}
    texts: dict[str, set[str | None]] = defaultdict(set)
    maybe: dict[str, int] = defaultdict(int)
    names = {call.text for call in calls if call.op is Op.CREATE and call.outcome is Outcome.UNKNOWN}
    for call in calls:
        if call.acknowledged:
            acknowledged[call.user] = max(call.version, acknowledged.get(call.user, 0))
        elif call.outcome is Outcome.UNKNOWN and call.op is not Op.READ:
            texts[call.user].add(call.text)
            maybe[call.user] += 1
    for id, user in users.items():
        version, text = state_of(user)
        known = acknowledged.get(id)
        if known is None:
            if version != 1 or user.username not in names:
                yield f"{id}: nobody wrote {user.username} at version {version}"
        elif version > known and (version > known + maybe[id] or text not in texts[id]):
            yield f"{id}: nobody wrote {text!r}, version {version}, after version {known}"


def state_of(user: User) -> State:
    return user.version, None if user.deleted else user.display_name
