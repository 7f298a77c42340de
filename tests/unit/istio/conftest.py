"""A workplace for the scripts."""

from pathlib import Path

import pytest

from tests.unit.istio.scripts import Workplace, workplace


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return workplace(tmp_path)
