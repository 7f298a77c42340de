"""CORS: pages of which other origins may call this port. Behind a gateway that is for the gateway to say."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from domain.peers.client import deadline, trace
from domain.settings import Settings

_THIS_MACHINE = r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"


def cors(settings: Settings) -> Sequence[Middleware]:
    """The middleware for CORS_ORIGINS; on a development machine, without it, for whatever this machine serves.

    Nothing is sent by cookie, so credentials are never allowed.
    """
    origins = [origin.strip() for origin in (settings.cors_origins or "").split(",") if origin.strip()]
    if not origins and not settings.development:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_origin_regex=None if origins else _THIS_MACHINE,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", deadline.HEADER, trace.HEADER, trace.STATE],
        )
    ]
