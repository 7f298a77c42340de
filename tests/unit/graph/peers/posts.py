"""A peer in memory: a real GraphQL schema behind the entity queries, which remembers what it was asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLObjectType, GraphQLUnionType, build_schema, graphql_sync

from domain.peers.entities import EntityQuery, Wanted, entity_query, read_answer
from domain.peers.peers import Origin
from domain.peers.status import PeerStatus

SDL = """
extend type User @peer(name: "posts") {
  "What the user has written."
  posts(first: Int = 2, kind: Kind, tags: Tags): [Post!]
  latest: Item
}
type Post implements Titled { id: ID! title: String! shout(loud: Boolean! = false): String! likes: Int related: [Post] }
type Photo { url: String! }
union Item = Post | Photo
interface Titled { title: String! }
enum Kind { LONG SHORT }
input Tags { all: [String!]! }
"""

_OWN = (
    SDL.replace('extend type User @peer(name: "posts") {', "type User { id: ID!")
    + """
scalar _Any
union _Entity = User
type Query { _entities(representations: [_Any!]!): [_Entity]! }
"""
)


class Posts:
    """`calls` are the queries that were sent; `change` may spoil an answer before it is read."""

    def __init__(self) -> None:
        self.calls: list[EntityQuery] = []
        self.origins: list[Origin] = []
        self.schema = _schema()

    async def fetch(self, peer: str, wanted: Sequence[Wanted], origin: Origin) -> Mapping[Wanted, Any]:
        query = entity_query(wanted)
        self.calls.append(query)
        self.origins.append(origin)
        result = graphql_sync(self.schema, query.text, variable_values=dict(query.variables))
        return read_answer(peer, query, self.change(dict(result.formatted)))

    def status(self) -> Sequence[PeerStatus]:
        return ()

    def change(self, body: Any) -> Any:
        return body


def _schema() -> Any:
    schema = build_schema(_OWN)
    entities = schema.query_type.fields["_entities"] if schema.query_type else None
    assert entities is not None
    entities.resolve = lambda _, __, representations: [
        {"__typename": "User", "id": each["id"]} for each in representations
    ]
    union = schema.type_map["_Entity"]
    assert isinstance(union, GraphQLUnionType)
    user, post = schema.type_map["User"], schema.type_map["Post"]
    assert isinstance(user, GraphQLObjectType)
    assert isinstance(post, GraphQLObjectType)
    user.fields["posts"].resolve = _posts
    user.fields["latest"].resolve = lambda parent, _: _post(parent["id"], 0)
    post.fields["shout"].resolve = _shout
    post.fields["related"].resolve = lambda parent, _: [_post("x", 7), None]
    return schema


def _posts(parent: Any, _: Any, first: int, kind: str | None = None, tags: Any = None) -> list[Any]:
    return [_post(parent["id"], number, kind, tags) for number in range(first)]


def _post(user: str, number: int, kind: str | None = None, tags: Any = None) -> dict[str, Any]:
    title = f"{number} of {user}" + (f" {kind}" if kind else "") + (f" {tags['all']}" if tags else "")
    return {"__typename": "Post", "id": f"{user}-{number}", "title": title, "likes": number}


def _shout(parent: Any, _: Any, loud: bool) -> str:
    if parent["title"].startswith("1 of"):
        raise ValueError("this one cannot be shouted")
    return str(parent["title"].upper() if loud else parent["title"])
