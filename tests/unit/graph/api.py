"""The real application over parts in memory, asked as a client would ask it."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from domain.backends import Backends
from domain.identity.verifier import development_token
from domain.search.change_token import ChangeTokens
from domain.search.document import IndexEntry, search_document
from domain.search.service import SearchService
from domain.settings import Settings, load_settings
from domain.users.model import User
from domain.users.service import UserService
from graph.app import create_app
from graph.lifespan import with_state
from tests.contract.search.oracle import Oracle
from tests.contract.users.memory import MemoryDatabase, MemoryLedger, MemoryUserStore

SERVICE = "a-service"


@dataclass(frozen=True, slots=True)
class Api:
    """`store`, `index` and `ledger` are the parts behind the application, for tests to look into or to break."""

    client: httpx.AsyncClient
    settings: Settings
    database: MemoryDatabase
    store: MemoryUserStore
    index: Oracle
    ledger: MemoryLedger

    def headers(self, subject: str = SERVICE, scope: str = "user:admin") -> dict[str, str]:
        token = development_token(self.settings, subject, scope.split(), timedelta(minutes=5))
        return {"Authorization": f"Bearer {token}"}

    async def post(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        subject: str = SERVICE,
        scope: str = "user:admin",
        **more: Any,
    ) -> dict[str, Any]:
        """The body of the response to an operation."""
        # Escaped, as the client's own encoder cannot write lone surrogates.
        content = json.dumps({"query": query, "variables": variables, **more})
        headers = self.headers(subject, scope) | {"Content-Type": "application/json"}
        response = await self.client.post("/graphql", content=content, headers=headers)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    async def data(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The data of an operation that meets no error."""
        body = await self.post(query, variables, **more)
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    async def errors(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> list[dict[str, Any]]:
        """The errors of an operation that meets some."""
        body = await self.post(query, variables, **more)
        errors: list[dict[str, Any]] = body["errors"]
        return errors

    async def create(self, **values: Any) -> User:
        """A user, in the store and in the index."""
        user = await UserService(self.store).create(values)
        await self.indexed([user])
        return user

    async def indexed(self, users: Sequence[User]) -> None:
        await self.index.write([IndexEntry(user.id, user.version, search_document(user)) for user in users])


@asynccontextmanager
async def open_api(folder: Path, **settings: Any) -> AsyncIterator[Api]:
    """The application of development settings changed by `settings`."""
    chosen = load_settings(**{"environment": "development", "data_dir": folder} | settings)
    database = MemoryDatabase()
    store, ledger, index = MemoryUserStore(database), MemoryLedger(database), Oracle()
    tokens = ChangeTokens(b"0123456789abcdef")

    @asynccontextmanager
    async def opener(_: Settings) -> AsyncIterator[Backends]:
        yield Backends(store, ledger, index, UserService(store), SearchService(index, store, tokens), tokens)

    app = create_app(chosen, opener=opener)
    async with app.router.lifespan_context(app) as state:
        transport = httpx.ASGITransport(with_state(app, state))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Api(client, chosen, database, store, index, ledger)
