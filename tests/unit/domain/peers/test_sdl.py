"""Peers' SDL files: what they add, and every reason to refuse one, with file and line."""

from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType

from domain.errors import SettingsError
from domain.peers.sdl import SdlRefused, read_peer_schema, read_peer_schemas

USER = 'extend type User @peer(name: "posts") {'

GOOD = f"""
{USER} posts(first: Int = 10): [Post!] }}
{USER} mood: Mood }}
type Post @key(fields: "id") @shareable {{ id: ID! title: String! @tag(name: "x") at: Stamp }}
scalar Stamp
enum Mood {{ GOOD BAD }}
"""


def test_fields_and_types_are_read() -> None:
    schema = read_peer_schema(GOOD, "posts.graphql", {"posts"}, {}, {})
    assert schema.peer == "posts"
    assert {name: str(field.type) for name, field in schema.fields.items()} == {"posts": "[Post!]", "mood": "Mood"}
    assert list(schema.fields["posts"].args) == ["first"]
    assert {type.name: type.__class__ for type in schema.types}["Mood"] is GraphQLEnumType
    post = next(type for type in schema.types if type.name == "Post")
    assert isinstance(post, GraphQLObjectType)
    assert list(post.fields) == ["id", "title", "at"]


REFUSED = {
    "syntax": (f"\n{USER} e: Int", 2, "Syntax Error"),
    "nobody's fields": ("extend type User { e: Int }", 1, "say whose fields these are"),
    "an unknown peer": ('\nextend type User @peer(name: "x") { e: Int }', 2, "PEERS has no peer 'x', only: posts"),
    "two peers": (f'{USER} e: Int }}\nextend type User @peer(name: "other") {{ f: Int }}', 2, "a file has one peer"),
    "nothing": ("type Post { id: ID }", 1, "nothing is added"),
    "an unknown type": (f"{USER}\n e: Pst }}", 2, "Unknown type 'Pst'"),
    "a non-null field": (f"{USER}\n\n e: Int! }}", 3, "must not be non-null"),
    "a field of ours": (f"{USER}\n email: Int }}", 2, "User.email is there already, by us"),
    "a field of another peer": (f"{USER}\n likes: Int }}", 2, "User.likes is there already, by the peer other"),
    "the id": (f"{USER}\n id: Int }}", 2, "can only be defined once"),
    "a type of ours": (f"{USER} e: Int }}\ntype PageInfo {{ a: Int }}", 2, "PageInfo is used by this service"),
    "a user": (f"{USER} e: P }}\ntype P {{\n author: User }}", 3, "P.author cannot be a User: give its id"),
    "a user itself": (f"{USER}\n friends: [User] }}", 2, "User.friends cannot be a User: give its id"),
    "a root": (f"{USER} e: Int }}\nextend type Query {{ a: Int }}", 2, "only types and extend type User belong here"),
    "a query": (f"{USER} e: Int }}\n\nquery {{ a }}", 3, "only types and extend type User belong here"),
    "an unknown directive": (f"{USER} e: Int @foo }}", 1, "Unknown directive '@foo'"),
    "a broken promise": (f"{USER} e: A }}\ntype A implements B {{ a: Int }}\ninterface B {{ b: Int }}", 3, "B.b"),
    "a reserved name": (f"{USER}\n __e: Int }}", 2, "must not begin with '__'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_with_file_line_and_reason(name: str) -> None:
    text, line, reason = REFUSED[name]
    with pytest.raises(SdlRefused) as caught:
        read_peer_schema(
            text,
            "schemas/posts.graphql",
            {"posts"} | ({"other"} if name == "two peers" else set()),
            {"User": "this service", "PageInfo": "this service"},
            {"email": "us", "likes": "the peer other"},
        )
    assert str(caught.value).startswith(f"PEER_SCHEMAS: schemas/posts.graphql:{line}: ")
    assert reason in str(caught.value)


def test_two_peers_cannot_use_one_type_name(tmp_path: Path) -> None:
    files = [tmp_path / "a.graphql", tmp_path / "b.graphql"]
    for name, file in zip("ab", files, strict=True):
        file.write_text(f'extend type User @peer(name: "{name}") {{ {name}: Thing }}\ntype Thing {{ id: ID }}')
    with pytest.raises(SdlRefused, match=r"b\.graphql:2: the type name Thing is used by the peer a"):
        read_peer_schemas(files, peers={"a", "b"}, our_types=(), our_fields=())


def test_two_peers_cannot_give_one_field(tmp_path: Path) -> None:
    files = [tmp_path / "a.graphql", tmp_path / "b.graphql"]
    for name, file in zip("ab", files, strict=True):
        file.write_text(f'extend type User @peer(name: "{name}") {{ thing: Int }}')
    with pytest.raises(SdlRefused, match=r"b\.graphql:1: User\.thing is there already, by the peer a"):
        read_peer_schemas(files, peers={"a", "b"}, our_types=(), our_fields=())


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"PEER_SCHEMAS: .*none\.graphql cannot be read"):
        read_peer_schemas([tmp_path / "none.graphql"], peers=(), our_types=(), our_fields=())
