"""One application for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.graph.api import Api, open_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with open_api(tmp_path) as opened:
        yield opened
