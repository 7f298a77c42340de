"""The peer's own schema: it extends `User`, which belongs to the user service, by what it knows of users."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry import federation

from examples.posts import library

MOST_AT_ONCE = 100


@federation.type(keys=["id"])
class Post:
    id: strawberry.ID
    title: str
    written_at: datetime
    likes: int
    author_id: strawberry.ID

    @classmethod
    def of(cls, post: library.Post) -> Self:
        return cls(
            id=strawberry.ID(post.id),
            title=post.title,
            written_at=post.written_at,
            likes=post.likes,
            author_id=strawberry.ID(post.author),
        )

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self | None:
        found = library.post(id)
        return cls.of(found) if found else None


@federation.type(keys=["id"])
class User:
    id: strawberry.ID

    @strawberry.field(description="What the user has written, the newest first.")
    def posts(self, first: int = 10) -> list[Post] | None:
        if not 0 <= first <= MOST_AT_ONCE:
            raise ValueError(f"first is a number from 0 to {MOST_AT_ONCE}")
        return [Post.of(post) for post in library.posts_of(self.id)[:first]]

    @strawberry.field(description="How many posts the user has written.")
    def post_count(self) -> int | None:
        return len(library.posts_of(self.id))

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        return cls(id=id)


@strawberry.type
class Query:
    @strawberry.field
    def post(self, id: strawberry.ID) -> Post | None:
        return Post.resolve_reference(id)


schema = federation.Schema(query=Query, types=[User])
