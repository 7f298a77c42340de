"""PEER_SCHEMAS: files and folders into the served schema."""

from pathlib import Path

import pytest
from graphql import GraphQLObjectType

from domain.errors import SettingsError
from domain.settings import PeerSettings, Settings
from graph.schema import build_schema, sdl

ROOT = Path(__file__).parents[4]
PEERS = {"posts": PeerSettings(url="static://localhost:8001")}


def _settings(paths: str) -> Settings:
    return Settings.model_construct(peers=PEERS, peer_schemas=paths)


def _user_fields(settings: Settings) -> set[str]:
    user = build_schema(settings).core.type_map["User"]
    assert isinstance(user, GraphQLObjectType)
    return set(user.fields)


@pytest.mark.parametrize("paths", ["examples/posts/user.graphql", "examples/posts", " examples/posts/user.graphql , "])
def test_files_and_folders_are_read(paths: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    added = _user_fields(_settings(paths)) - _user_fields(Settings.model_construct())
    assert added == {"posts", "postCount"}


@pytest.mark.parametrize("paths", ["", " , "])
def test_nothing_is_added_where_nothing_is_named(paths: str) -> None:
    assert _user_fields(_settings(paths)) == _user_fields(Settings.model_construct())


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"PEER_SCHEMAS: the folder .* has no file \*\.graphql"):
        build_schema(_settings(str(tmp_path)))


def test_a_name_of_ours_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "posts.graphql"
    file.write_text('extend type User @peer(name: "posts") {\n username: Int\n}')
    with pytest.raises(SettingsError, match=r"posts\.graphql:2: User\.username is there already"):
        build_schema(_settings(str(file)))
    file.write_text('extend type User @peer(name: "posts") { x: Int }\ntype UserEdge { a: Int }')
    with pytest.raises(SettingsError, match=r"posts\.graphql:2: the type name UserEdge is used by this service"):
        build_schema(_settings(str(file)))


def test_the_recorded_schema_has_no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PEERS", '{"posts": {"url": "static://localhost:8001"}}')
    monkeypatch.setenv("PEER_SCHEMAS", "examples/posts")
    assert "Post" not in sdl()
