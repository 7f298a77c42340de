"""A client of the API as a front end is one: GraphQL over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from domain.identity.verifier import development_token
from domain.settings import Settings

_TIMEOUT = 20.0  # seconds; the service gives up long before


class Api:
    """One operation a call; the answer as it came."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def call(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The whole answer. Raises httpx.HTTPError."""
        response = await self._client.post("/graphql", json={"query": query, "variables": variables})
        answer: dict[str, Any] = response.json()
        return answer


@asynccontextmanager
async def api_of(settings: Settings) -> AsyncIterator[Api]:
    """A client with every right, of the API process that has `settings`."""
    token = development_token(settings, "writer", ["user:admin"], timedelta(hours=1))
    async with httpx.AsyncClient(
        base_url=f"http://{settings.host}:{settings.port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=_TIMEOUT,
        trust_env=False,
    ) as client:
        yield Api(client)
