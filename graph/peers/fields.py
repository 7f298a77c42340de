"""Peers' fields in our schema: added at start-up, resolved by what the peers answer."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
)

from domain.peers.sdl import EXTENDED, PeerSchema
from graph.context import Context
from graph.peers.values import checked, value_resolver
from graph.types.user import User

Resolve = Callable[..., Awaitable[Any]]


def with_peer_fields(core: GraphQLSchema, peers: Sequence[PeerSchema]) -> GraphQLSchema:
    """The schema and what `peers` add to it. The types of `core` become the new schema's own."""
    user = core.type_map[EXTENDED]
    if not isinstance(user, GraphQLObjectType):
        raise TypeError(f"{EXTENDED} is no object type")
    for peer in peers:
        for type in peer.types:
            _resolve_from_answer(type, peer.peer)
        for name, field in peer.fields.items():
            user.fields[name] = _with_resolver(field, _field_resolver(peer.peer))
    parts: dict[str, Any] = dict(core.to_kwargs())
    types = [*core.type_map.values(), *(type for peer in peers for type in peer.types)]
    return GraphQLSchema(**parts | {"types": types, "assume_valid": True})


def _resolve_from_answer(type: GraphQLNamedType, peer: str) -> None:
    if isinstance(type, GraphQLObjectType):
        resolver = value_resolver(peer)
        for field in type.fields.values():
            field.resolve = resolver


def _with_resolver(field: GraphQLField, resolve: Resolve) -> GraphQLField:
    return GraphQLField(**field.to_kwargs() | {"resolve": resolve})


def _field_resolver(peer: str) -> Resolve:
    async def resolve(user: User, info: GraphQLResolveInfo[Context], **_: Any) -> Any:
        value = await info.context.peer_fields.load(peer, str(user.id), info)
        return checked(value, info, peer)

    return resolve
