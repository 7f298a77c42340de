"""A small stand-in for the service: the page, with another token at every view, over a schema of one field for callers
with a token."""

from itertools import count
from pathlib import Path

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from graph.graphiql.page import GraphiQLPage, wants_page

_NAMES = ["Ada Lovelace", "Jesús García", "Nydia Velázquez", "Amy Klobuchar", "大江 健三郎"]


@strawberry.type
class User:
    id: strawberry.ID
    username: str
    display_name: str
    email: str
    status: str = "ACTIVE"


@strawberry.type
class Edge:
    node: User


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Users:
    total_count: int
    edges: list[Edge]
    page_info: PageInfo


@strawberry.type
class Query:
    @strawberry.field
    def users(self, first: int) -> Users:
        edges = [Edge(node=_user(number, name)) for number, name in enumerate(_NAMES[:first], start=1)]
        return Users(total_count=len(_NAMES), edges=edges, page_info=PageInfo(has_next_page=False, end_cursor=None))


def _user(number: int, name: str) -> User:
    return User(
        id=strawberry.ID(f"01JD000000000000000000000{number}"),
        username=f"user{number}",
        display_name=name,
        email=f"user{number}@example.com",
    )


def create_app() -> Starlette:
    """`/graphql` as the service has it, and `/unbuilt` as it is on a machine without Node."""
    schema = strawberry.Schema(Query)
    views = count(start=1)
    page = GraphiQLPage(development_token=lambda: f"token-{next(views)}")
    unbuilt = GraphiQLPage(path="/unbuilt", dist=Path("/nonexistent"))

    async def graphql(request: Request) -> Response:
        if wants_page(request):
            return page.render(request)
        if not request.headers.get("authorization", "").startswith("Bearer token-"):
            return JSONResponse({"errors": [{"message": "No token."}]}, status_code=401)
        body = await request.json()
        result = await schema.execute(body["query"], body.get("variables"), operation_name=body.get("operationName"))
        errors = [error.formatted for error in result.errors or []]
        return JSONResponse({"data": result.data, **({"errors": errors} if errors else {})})

    return Starlette(
        routes=[Route("/graphql", graphql, methods=["GET", "POST"]), Route("/unbuilt", unbuilt.render), *page.routes]
    )
