"""One `_entities` call for many users (Apollo Federation's subgraph contract): its query, and its answer taken apart.

A peer may answer anything: what it says of one field is used only if it is about the user that was asked for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.errors import PeerUnavailable
from domain.peers.sdl import EXTENDED
from domain.peers.selection import Selection

Wanted = tuple[str, Selection]
"""A user's id, and what is asked of it."""


@dataclass(slots=True)
class _Group:
    """Users of whom the same is asked: one root field of the query."""

    fields: Mapping[str, str]
    ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """What is sent, and where in the answer each of the wanted has its place: root field, user, field."""

    text: str
    variables: Mapping[str, Any]
    places: Mapping[Wanted, tuple[str, int, str]]
    ids: Mapping[str, Sequence[str]]


def entity_query(wanted: Sequence[Wanted]) -> EntityQuery:
    """One query for all of `wanted`: users of whom the same is asked share a root field."""
    aliases: dict[str, str] = {}
    asked: dict[str, dict[str, str]] = {}
    for id, selection in wanted:
        alias = aliases.setdefault(selection.field, f"f{len(aliases)}")
        asked.setdefault(id, {})[alias] = selection.field
    groups: dict[frozenset[str], _Group] = {}
    for id, fields in asked.items():
        groups.setdefault(frozenset(fields), _Group(fields)).ids.append(id)
    named = {f"e{number}": group for number, group in enumerate(groups.values())}
    rows = {id: (name, row) for name, group in named.items() for row, id in enumerate(group.ids)}
    return EntityQuery(
        text=_text(named, [selection for _, selection in wanted]),
        variables=_variables(named, [selection for _, selection in wanted]),
        places={(id, selection): (*rows[id], aliases[selection.field]) for id, selection in wanted},
        ids={name: group.ids for name, group in named.items()},
    )


def read_answer(peer: str, query: EntityQuery, body: Any) -> Mapping[Wanted, Any]:
    """For each of the wanted its value, with a PeerUnavailable in place of whatever the peer failed at."""
    if not isinstance(body, Mapping):
        return all_failed(query.places, lambda: PeerUnavailable(peer, "its answer is no GraphQL response"))
    data = body.get("data")
    errors = body.get("errors")
    if not isinstance(data, Mapping):
        reason = "it refused the query" if errors else "its answer has no data"
        return all_failed(query.places, lambda: PeerUnavailable(peer, reason))
    for error in errors if isinstance(errors, list) else ():
        _place_error(peer, data, error.get("path") if isinstance(error, Mapping) else None)
    wrong = {name: _wrong_list(data.get(name), ids) for name, ids in query.ids.items()}
    return {
        wanted: PeerUnavailable(peer, why) if (why := wrong[name]) else _value(peer, wanted[0], data[name], row, alias)
        for wanted, (name, row, alias) in query.places.items()
    }


def all_failed(wanted: Iterable[Wanted], error: Callable[[], PeerUnavailable]) -> Mapping[Wanted, Any]:
    """An error of its own for each of the wanted: one raised many times would drag an ever longer traceback along."""
    return {each: error() for each in wanted}


def _text(groups: Mapping[str, _Group], selections: Sequence[Selection]) -> str:
    fragments = {name: text for selection in selections for name, text in selection.fragments.items()}
    kinds = {name: kind for selection in selections for name, kind in selection.variable_types.items()}
    declared = [f"${name}: [_Any!]!" for name in groups] + [f"${name}: {kind}" for name, kind in kinds.items()]
    roots = [
        f"{name}: _entities(representations: ${name}) {{ __typename ... on {EXTENDED} {{ id {_fields(group)} }} }}"
        for name, group in groups.items()
    ]
    return "\n".join([f"query({', '.join(declared)}) {{ {' '.join(roots)} }}", *fragments.values()])


def _fields(group: _Group) -> str:
    return " ".join(f"{alias}: {text}" for alias, text in group.fields.items())


def _variables(groups: Mapping[str, _Group], selections: Sequence[Selection]) -> Mapping[str, Any]:
    users = {name: [{"__typename": EXTENDED, "id": id} for id in group.ids] for name, group in groups.items()}
    return {name: value for selection in selections for name, value in selection.variables.items()} | users


def _place_error(peer: str, data: Any, path: Any) -> None:
    """Put a PeerUnavailable where the path meets null, or an end: what the error took away."""
    parent: Any = data
    for number, key in enumerate(path if isinstance(path, list) else ()):
        if not _has(parent, key):
            return
        if parent[key] is None or number == len(path) - 1:
            if parent[key] is None:
                parent[key] = PeerUnavailable(peer, "it told an error")
            return
        parent = parent[key]


def _has(parent: Any, key: Any) -> bool:
    if isinstance(parent, dict):
        return isinstance(key, str) and key in parent
    return isinstance(parent, list) and isinstance(key, int) and 0 <= key < len(parent)


def _wrong_list(entities: Any, ids: Sequence[str]) -> str | None:
    """What is wrong with the list of entities as a whole, or nothing."""
    if isinstance(entities, PeerUnavailable):
        return entities.reason
    if not isinstance(entities, list):
        return "its entities are no list"
    if len(entities) != len(ids):
        return f"it gave {len(entities)} entities for {len(ids)} users"
    return None


def _value(peer: str, id: str, entities: Sequence[Any], row: int, alias: str) -> Any:
    entity = entities[row]
    if entity is None or isinstance(entity, PeerUnavailable):
        return entity
    if not isinstance(entity, Mapping):
        return PeerUnavailable(peer, "an entity of it is no object")
    if entity.get("__typename") != EXTENDED or entity.get("id") != id:
        return PeerUnavailable(peer, "it gave another entity than was asked for")
    return entity.get(alias, PeerUnavailable(peer, "its entity lacks the field"))
