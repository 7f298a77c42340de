"""The page as a machine without Node has it."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from graph.graphiql.page import GraphiQLPage


def create_app() -> Starlette:
    page = GraphiQLPage(dist=Path("/nonexistent"))
    return Starlette(routes=[Route("/graphql", page.render)])
