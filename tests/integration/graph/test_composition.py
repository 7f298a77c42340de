"""Our schema as one subgraph of several, composed by what Apollo's routers use."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path

import pytest

from domain.settings import Settings
from graph.schema import build_schema
from tests.fixtures.children import output
from tests.fixtures.npm import install_packages

FOLDER = Path(__file__).parent / "composition"
TIMEOUT = 60
LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable", "@external"])'
)
POSTS = f"""{LINK}
type User @key(fields: "id") {{ id: ID! posts: [Post!] }}
type Post @key(fields: "id") {{ id: ID! title: String! author: User! }}
type PageInfo @shareable {{ hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }}
type Query {{ post(id: ID!): Post }}
"""
CLASHING = f'{LINK}\ntype User @key(fields: "id") {{ id: ID! username: Int }}\ntype Query {{ x: Int }}'


async def _compose(subgraphs: Mapping[str, str]) -> tuple[list[str], str]:
    """The errors of a composition, and the supergraph's SDL where there are none."""
    install_packages(FOLDER)
    process = await asyncio.create_subprocess_exec(
        "node", "compose.mjs", cwd=FOLDER, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    out, err = await output(process, TIMEOUT, json.dumps(subgraphs).encode())
    return out.splitlines(), err


@pytest.fixture(scope="module")
def ours() -> str:
    """What `_service` tells."""
    return build_schema(Settings.model_construct()).as_str()


async def test_it_composes_alone(ours: str) -> None:
    errors, supergraph = await _compose({"users": ours})
    assert errors == []
    assert "searchUsers" in supergraph


async def test_it_composes_with_a_subgraph_that_extends_users(ours: str) -> None:
    errors, supergraph = await _compose({"users": ours, "posts": POSTS})
    assert errors == []
    assert "posts: [Post!] @join__field(graph: POSTS)" in supergraph
    assert "username: String! @join__field(graph: USERS)" in supergraph


async def test_a_clash_is_found(ours: str) -> None:
    errors, _ = await _compose({"users": ours, "posts": CLASHING})
    assert any("username" in error for error in errors)
