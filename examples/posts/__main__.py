"""python -m examples.posts: serve the posts."""

from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL

from examples.posts.schema import schema


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", help="The port to listen on.")] = 8001,
) -> None:
    """Serve the posts of all users at /graphql, as a subgraph. It knows no tokens: it is an example."""
    app = Starlette(routes=[Route("/graphql", GraphQL(schema, graphql_ide=None)), Route("/livez", _livez)])
    uvicorn.run(app, host=host, port=port, log_level="warning")


async def _livez(_: Request) -> Response:
    return Response("alive")


if __name__ == "__main__":
    typer.run(serve)
