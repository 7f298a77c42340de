"""What the indexer keeps in a ledger, on every ledger."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from domain.users.ledger import Ledger
from tests.contract.users.conftest import open_parts


@pytest.fixture(params=["memory", "sqlite", "mongodb"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server_url(kind: str, request: pytest.FixtureRequest) -> str | None:
    fixture = {"mongodb": "mongodb_url", "kafka": "kafka_bootstrap_servers"}.get(kind)
    return None if fixture is None else str(request.getfixturevalue(fixture))


@pytest.fixture
async def ledger(kind: str, server_url: str | None, tmp_path: Path) -> AsyncIterator[Ledger]:
    async with AsyncExitStack() as stack:
        yield (await open_parts(kind, stack, tmp_path, server_url)).ledger
