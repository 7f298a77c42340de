"""What --help says of every command, argument and option: sentences, and all of them."""

from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from indexer.__main__ import app


def _commands(group: typer.Typer, *names: str) -> Iterator[list[str]]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield [*names, command.name or command.callback.__name__.replace("_", "-")]
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from _commands(inner.typer_instance, *names, str(inner.name))


@pytest.mark.parametrize("names", list(_commands(app)), ids=" ".join)
def test_every_option_is_explained_by_a_sentence(names: list[str]) -> None:
    command = typer.main.get_command(app)
    for name in names:
        command = command.commands[name]  # type: ignore[attr-defined]
    for text in [command.help, *(param.help for param in command.params)]:  # type: ignore[attr-defined]
        assert text is not None
        assert text[0].isupper(), text
        assert text.rstrip().endswith("."), text
        assert "[" not in text, f"rich takes it for markup: {text}"
    assert CliRunner().invoke(app, [*names, "--help"]).exit_code == 0
