"""What is built of Go modules is what they pin."""

import re
import shutil
from pathlib import Path

import pytest

from tests.servers import golang, tools
from tests.servers.golang import GoTool

MODULES = {"kubernetes": "k8s.io/kubernetes v", "coredns": "github.com/coredns/coredns v"}


@pytest.mark.parametrize("tool", tools.TOOLS, ids=lambda tool: tool.name)
def test_every_program_comes_from_a_pinned_module(tool: GoTool) -> None:
    folder = Path(golang.__file__).with_name("go") / tool.name
    required = re.findall(r"^\s*(?:require )?(\S+\.\S+/\S+) v\S+", (folder / "go.mod").read_text(), re.MULTILINE)
    for package in (*tool.programs.values(), *(source.partition(":")[0] for source in tool.files.values())):
        assert package == "." or any(package == module or package.startswith(f"{module}/") for module in required)
    assert (folder / "go.sum").read_text()


@pytest.mark.parametrize("tool", [tools.KUBERNETES, tools.COREDNS], ids=lambda tool: tool.name)
def test_a_version_is_the_one_that_its_module_requires(tool: GoTool) -> None:
    pinned = (Path(golang.__file__).with_name("go") / tool.name / "go.mod").read_text()
    assert f"{MODULES[tool.name]}{tool.version}" in pinned


def test_another_pin_is_another_folder_of_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tools.COREDNS
    before = tool.home
    shutil.copytree(Path(golang.__file__).with_name("go"), tmp_path / "go")
    monkeypatch.setattr(golang, "_MODULES", tmp_path / "go")
    assert tool.home == before
    with (tmp_path / "go" / "coredns" / "go.sum").open("a") as pins:
        pins.write("another line\n")
    assert tool.home != before


def test_without_go_only_what_is_built_can_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tools.COREDNS.missing() == "no go on the PATH: install Go 1.26 or newer"
    tools.COREDNS.home.mkdir(parents=True)
    assert tools.COREDNS.missing() is None
