"""What the containers' files are held against: the tracked files, the commands and the settings of this project."""

import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from domain.__main__ import app as domain_commands
from domain.settings import Settings, load_settings
from graph.__main__ import commands as graph_commands
from indexer.__main__ import app as indexer_commands

ROOT = Path(__file__).parents[3]
COMMANDS = {"domain": domain_commands, "graph": graph_commands, "indexer": indexer_commands}
VARIABLES = {name.upper() for name in Settings.model_fields}


@cache
def tracked_files() -> frozenset[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    return frozenset(listed.stdout.splitlines())


def files_below(path: str, folder: str = "") -> set[str]:
    """The tracked files that COPY takes for `path`, relative to the context `folder`."""
    whole = f"{folder}/{path}" if folder else path
    return {
        name.removeprefix(f"{folder}/") for name in tracked_files() if name == whole or name.startswith(f"{whole}/")
    }


def parse_command(words: Sequence[str]) -> Mapping[str, Any]:
    """What `python -m` would run these words with. Raises KeyError or a usage error if it would refuse them."""
    module, name, *arguments = words
    group: Any = typer.main.get_command(COMMANDS[module])
    parameters: dict[str, Any] = group.commands[name].make_context(name, arguments).params
    return parameters


def settings_of(environment: Mapping[str, str], patch: pytest.MonkeyPatch) -> Settings:
    """The settings of a process that has this environment and nothing of ours. Raises SettingsError."""
    for name in VARIABLES:
        patch.delenv(name, raising=False)
    for name, value in environment.items():
        patch.setenv(name, value)
    return load_settings()
