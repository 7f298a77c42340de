"""What a search answers: hits with their score and highlights, facets, and how fresh all that is."""

from collections.abc import Sequence
from enum import Enum
from typing import Self

import strawberry

from domain.errors import StoreUnavailable
from domain.search.highlight import highlights
from domain.search.query import Plan
from domain.search.service import SearchHit, SearchPage
from domain.users.model import User as UserModel
from graph.connection import PageInfo
from graph.context import Info
from graph.field import field
from graph.types.user import User


@strawberry.enum(description="By what found users can be counted.")
class UserFacet(Enum):
    LOCALE = "locale"
    TIMEZONE = "timezone"
    ROLES = "roles"
    STATUS = "status"


@strawberry.type
class FacetValue:
    value: str
    count: int


@strawberry.type(description="The most frequent values of a field among all users found, and how many have each.")
class Facet:
    field: UserFacet
    values: list[FacetValue]


@strawberry.type
class HighlightFragment:
    text: str
    hit: bool = strawberry.field(description="Whether a word of the query was found here.")


@strawberry.type(description="A field in which words were found; the fragments together are its whole text.")
class Highlight:
    field: str
    fragments: list[HighlightFragment]


@strawberry.type
class UserSearchEdge:
    cursor: str
    score: int = strawberry.field(description="The higher the better; comparable within one query only.")
    plan: strawberry.Private[Plan]
    found: strawberry.Private[UserModel | StoreUnavailable]

    @field("Null with STORE_UNAVAILABLE while the user store does not answer.")
    def node(self) -> User | None:
        return User.of(self._user())

    @field("Where the words of the query were found.")
    def highlights(self) -> list[Highlight] | None:
        return [
            Highlight(
                field=highlight.field,
                fragments=[HighlightFragment(text=part.text, hit=part.hit) for part in highlight.fragments],
            )
            for highlight in highlights(self._user(), self.plan)
        ]

    def _user(self) -> UserModel:
        if isinstance(self.found, StoreUnavailable):
            raise self.found
        return self.found


@strawberry.type
class UserSearchConnection:
    page_info: PageInfo
    total_count: int = strawberry.field(description="How many users the index finds.")
    facets: list[Facet]
    fresh: bool = strawberry.field(description="Whether every change of waitFor is visible in this result.")
    hits: strawberry.Private[Sequence[SearchHit]]
    plan: strawberry.Private[Plan]

    @field("Users deleted since they were indexed are left out.")
    async def edges(self, info: Info) -> list[UserSearchEdge]:
        loaded = await _load(info, self.hits)
        return [
            UserSearchEdge(cursor=hit.cursor, score=hit.score, plan=self.plan, found=user)
            for hit, user in zip(self.hits, loaded, strict=True)
            if user is not None
        ]

    @field("Seconds that the index is behind the store; null while that is not known.")
    async def index_lag(self, info: Info) -> float | None:
        return await info.context.services.index_lag.seconds()

    @classmethod
    def of(cls, page: SearchPage, *, bounded: bool) -> Self:
        """The connection of a page of hits; `bounded` says whether the page began after a cursor."""
        return cls(
            page_info=PageInfo.of([hit.cursor for hit in page.hits], more=page.more, bounded=bounded),
            total_count=page.total,
            facets=[
                Facet(
                    field=UserFacet(name), values=[FacetValue(value=value.value, count=value.count) for value in values]
                )
                for name, values in page.facets.items()
            ],
            fresh=page.fresh,
            hits=page.hits,
            plan=page.plan,
        )


async def _load(info: Info, hits: Sequence[SearchHit]) -> Sequence[UserModel | StoreUnavailable | None]:
    """The users of hits in one read; without the store, why there is none, for each hit."""
    try:
        return await info.context.user_loader.load_many([hit.id for hit in hits])
    except StoreUnavailable as exc:
        return [exc] * len(hits)
