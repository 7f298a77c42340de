"""UserConnection: one page of the users that meet a filter."""

from typing import Self

import strawberry

from domain.users.filter import Filter
from domain.users.page import Order, Page, Window, cursor, digest
from graph.connection import PageInfo
from graph.context import Info
from graph.field import field
from graph.types.user import User


@strawberry.type
class UserEdge:
    cursor: str
    node: User


@strawberry.type
class UserConnection:
    edges: list[UserEdge]
    page_info: PageInfo
    filter: strawberry.Private[Filter]

    @field("How many users meet the filter; counted only when it is asked for.")
    async def total_count(self, info: Info) -> int | None:
        return await info.context.services.users.count(self.filter)

    @classmethod
    def of(cls, page: Page, filter: Filter, order: Order, window: Window) -> Self:
        """The connection of a page of the users that meet `filter`."""
        mark = digest(filter, order)
        edges = [UserEdge(cursor=cursor(user, order, mark), node=User.of(user)) for user in page.users]
        return cls(
            edges=edges,
            page_info=PageInfo.of(
                [edge.cursor for edge in edges],
                more=page.more,
                bounded=(window.before if window.backward else window.after) is not None,
                backward=window.backward,
            ),
            filter=filter,
        )
