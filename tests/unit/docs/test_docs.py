"""The documents say what the code has."""

import re
from pathlib import Path

import pytest
from graphql import parse as parse_graphql
from graphql import validate
from graphql.utilities import build_schema

from domain.settings import Settings

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_the_settings_table_is_complete() -> None:
    rows = [line for line in (ROOT / "docs/operator.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row.split("|")[1])}
    assert named == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))
    missing = [link for link in links if not link.startswith("http") and not (page.parent / link).exists()]
    assert missing == []


def test_the_front_ends_examples_are_of_the_schema() -> None:
    schema = build_schema((ROOT / "graph/schema.graphql").read_text("utf-8"))
    examples = re.findall(r"```graphql\n(.*?)```", (ROOT / "docs/front-end.md").read_text("utf-8"), re.DOTALL)
    assert len(examples) >= 4
    for example in examples:
        assert validate(schema, parse_graphql(example)) == [], example
