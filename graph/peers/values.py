"""What a peer answered, held against the types that its SDL file promised: nothing else reaches a client."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    is_abstract_type,
    is_leaf_type,
)

from domain.errors import PeerUnavailable


def value_resolver(peer: str) -> Callable[..., Any]:
    """The resolver of every field of a peer's types: its value is in the answer under the client's own key."""

    def resolve(parent: Mapping[str, Any], info: GraphQLResolveInfo[Any], **_: Any) -> Any:
        return checked(parent.get(str(info.path.key)), info, peer)

    return resolve


def checked(value: Any, info: GraphQLResolveInfo[Any], peer: str) -> Any:
    """The value, if it is of the field's type; an error that stands in it is raised where it stands.

    Raises PeerUnavailable. What is inside an object is checked when its fields are resolved.
    """
    if isinstance(value, PeerUnavailable):
        raise value
    if not _fits(value, info.return_type, info.schema):
        raise PeerUnavailable(peer, f"its {info.parent_type.name}.{info.field_name} is no {info.return_type}")
    return value


def _fits(value: Any, type: GraphQLOutputType, schema: GraphQLSchema) -> bool:
    if isinstance(value, PeerUnavailable):
        return True
    if isinstance(type, GraphQLNonNull):
        return value is not None and _fits(value, type.of_type, schema)
    if value is None:
        return True
    if isinstance(type, GraphQLList):
        return isinstance(value, list) and all(_fits(item, type.of_type, schema) for item in value)
    if is_leaf_type(type):
        return _is_of_leaf(value, type)
    return isinstance(value, Mapping) and _is_of_composite(value.get("__typename"), type, schema)


def _is_of_leaf(value: Any, type: Any) -> bool:
    try:
        type.parse_value(value)  # what GraphQL takes as input is stricter than what it gives as output
    except GraphQLError:
        return False
    return True


def _is_of_composite(name: Any, type: Any, schema: GraphQLSchema) -> bool:
    if not is_abstract_type(type):
        return bool(name == type.name)
    found = schema.get_type(name) if isinstance(name, str) else None
    return isinstance(found, GraphQLObjectType) and schema.is_sub_type(type, found)
