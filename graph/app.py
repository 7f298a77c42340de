"""The application: its routes, and what lives behind them."""

from datetime import timedelta

from starlette.applications import Starlette
from starlette.routing import Route

from domain.errors import SettingsError
from domain.identity.caller import Right
from domain.identity.verifier import development_token
from domain.settings import Settings
from graph.cors import cors
from graph.endpoint import GraphQLEndpoint
from graph.graphiql.page import GraphiQLPage
from graph.health import health_routes
from graph.lifespan import Opener, lifespan
from graph.metrics import Metrics
from graph.schema import build_schema

PATH = "/graphql"
PAGE_TOKEN_TTL = timedelta(hours=12)


def create_app(settings: Settings, *, opener: Opener | None = None) -> Starlette:
    """The API of `settings`; nothing is opened before it starts. `opener` is for tests that bring their own parts."""
    metrics = Metrics(settings.app_version)
    page = GraphiQLPage(path=PATH, development_token=lambda: _page_token(settings)) if settings.graphiql_on else None
    endpoint = GraphQLEndpoint(build_schema(settings), settings, metrics, page)
    return Starlette(
        routes=[
            *(page.routes if page else ()),
            Route(PATH, endpoint),
            *health_routes(metrics),
        ],
        middleware=cors(settings),
        lifespan=lifespan(settings, opener),
    )


def _page_token(settings: Settings) -> str | None:
    """A token for whoever opens the page of a development machine; None where tokens come from an issuer."""
    try:
        return development_token(settings, "developer", [Right.ADMIN], PAGE_TOKEN_TTL)
    except SettingsError:
        return None
