"""SDL files of peers: what each of them adds to our `User`, read and checked before anything is served.

extend type User @peer(name: "posts") { posts(first: Int = 10): [Post!] }
type Post { id: ID!  title: String! }
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from graphql import (
    DefinitionNode,
    DocumentNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSyntaxError,
    Node,
    ObjectTypeExtensionNode,
    Source,
    StringValueNode,
    TypeDefinitionNode,
    build_ast_schema,
    get_named_type,
    parse,
    validate_schema,
)
from graphql.validation.validate import validate_sdl

from domain.errors import SettingsError
from domain.peers.sdl_directives import without_federation

EXTENDED = "User"
_STUB = """
directive @peer(name: String!) repeatable on OBJECT
type Query { user: User }
type User { id: ID! }
"""
_NOT_OURS_TO_GIVE = frozenset({EXTENDED, "Query"})


@dataclass(frozen=True, slots=True)
class PeerSchema:
    """What one peer adds: fields of `User`, by name, and the types that they need."""

    peer: str
    fields: Mapping[str, GraphQLField]
    types: Sequence[GraphQLNamedType]


class SdlRefused(SettingsError):
    """A peer's SDL file is not usable; the message has file, line and reason."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"PEER_SCHEMAS: {path}:{line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


def read_peer_schemas(
    paths: Sequence[Path], *, peers: Collection[str], our_types: Collection[str], our_fields: Collection[str]
) -> Sequence[PeerSchema]:
    """The schemas of these files. `peers` are the configured names, `our_fields` those of `User`.

    Raises SdlRefused; SettingsError for a file that cannot be read.
    """
    owners_of_types, owners_of_fields = dict.fromkeys(our_types, "this service"), dict.fromkeys(our_fields, "us")
    found = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsError(f"PEER_SCHEMAS: {path} cannot be read: {exc}") from exc
        schema = read_peer_schema(text, str(path), peers, owners_of_types, owners_of_fields)
        owners_of_types |= {type.name: f"the peer {schema.peer}" for type in schema.types}
        owners_of_fields |= dict.fromkeys(schema.fields, f"the peer {schema.peer}")
        found.append(schema)
    return found


def read_peer_schema(
    text: str, path: str, peers: Collection[str], types: Mapping[str, str], fields: Mapping[str, str]
) -> PeerSchema:
    """The schema of one file; `types` and `fields` have owners already. Raises SdlRefused."""
    document = without_federation(_parsed(text, path))
    peer = _peer_of(document, path, peers)
    for node in document.definitions:
        _check_definition(node, path, types)
    schema = _built(document, path)
    user = cast("GraphQLObjectType", schema[EXTENDED])
    added = {name: field for name, field in user.fields.items() if name != "id"}
    for name, field in added.items():
        _check_field(name, field, path, fields)
    for type in schema.values():
        _check_uses(type, path)
    defined = {node.name.value for node in document.definitions if isinstance(node, TypeDefinitionNode)}
    return PeerSchema(peer, added, tuple(type for name, type in schema.items() if name in defined))


def _parsed(text: str, path: str) -> DocumentNode:
    try:
        return parse(Source(text, path), max_tokens=50_000)
    except GraphQLSyntaxError as exc:
        raise _refused(exc, path) from exc


def _peer_of(document: DocumentNode, path: str, peers: Collection[str]) -> str:
    """The one peer that the file's `@peer` names."""
    named = None
    for node in document.definitions:
        if not isinstance(node, ObjectTypeExtensionNode) or node.name.value != EXTENDED:
            continue
        name = _named_peer(node)
        if name is None:
            raise SdlRefused(
                path, _line(node), f'say whose fields these are: extend type {EXTENDED} @peer(name: "...")'
            )
        if name not in peers:
            known = ", ".join(sorted(peers)) or "none"
            raise SdlRefused(path, _line(node), f"PEERS has no peer {name!r}, only: {known}")
        if named not in {None, name}:
            raise SdlRefused(path, _line(node), f"a file has one peer, and this one has {named!r}: make another file")
        named = name
    if named is None:
        raise SdlRefused(path, 1, f'nothing is added: write extend type {EXTENDED} @peer(name: "...") {{ ... }}')
    return named


def _named_peer(node: ObjectTypeExtensionNode) -> str | None:
    for directive in node.directives or ():
        if directive.name.value == "peer":
            for argument in directive.arguments or ():
                if argument.name.value == "name" and isinstance(argument.value, StringValueNode):
                    return argument.value.value
    return None


def _check_definition(node: DefinitionNode, path: str, types: Mapping[str, str]) -> None:
    if isinstance(node, ObjectTypeExtensionNode) and node.name.value == EXTENDED:
        return
    if not isinstance(node, TypeDefinitionNode):
        raise SdlRefused(path, _line(node), f"only types and extend type {EXTENDED} belong here")
    name = node.name.value
    if owner := types.get(name):
        raise SdlRefused(path, _line(node), f"the type name {name} is used by {owner}: choose another one")


def _built(document: DocumentNode, path: str) -> Mapping[str, GraphQLNamedType]:
    whole = DocumentNode(definitions=(*parse(_STUB, no_location=True).definitions, *document.definitions))
    for error in validate_sdl(whole):
        raise _refused(error, path)
    schema = build_ast_schema(whole, assume_valid_sdl=True)
    for error in validate_schema(schema):
        raise _refused(error, path)
    return schema.type_map


def _check_field(name: str, field: GraphQLField, path: str, fields: Mapping[str, str]) -> None:
    line = _line(field.ast_node)
    if owner := fields.get(name):
        raise SdlRefused(path, line, f"{EXTENDED}.{name} is there already, by {owner}: choose another name")
    if isinstance(field.type, GraphQLNonNull):
        raise SdlRefused(
            path, line, f"{EXTENDED}.{name} must not be non-null: its failure would take the whole user with it"
        )


def _check_uses(type: GraphQLNamedType, path: str) -> None:
    """A peer names users by their ids; which of them a caller may read is decided here."""
    if isinstance(type, GraphQLObjectType | GraphQLInterfaceType) and type.name != "Query":
        for name, field in type.fields.items():
            used = get_named_type(field.type).name
            if used in _NOT_OURS_TO_GIVE:
                raise SdlRefused(path, _line(field.ast_node), f"{type.name}.{name} cannot be a {used}: give its id")


def _refused(error: GraphQLError, path: str) -> SdlRefused:
    return SdlRefused(path, error.locations[0].line if error.locations else 1, error.message)


def _line(node: Node | None) -> int:
    return node.loc.start_token.line if node is not None and node.loc is not None else 1
