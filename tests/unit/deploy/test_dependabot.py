"""Every place that names versions is looked at for newer ones."""

from typing import Any

from ruamel.yaml import YAML

from tests.unit.deploy.project import ROOT, tracked_files

UPDATES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(ROOT / ".github/dependabot.yml")["updates"]


def test_every_dockerfile_and_lock_is_watched() -> None:
    watched = {
        (update["package-ecosystem"], folder)
        for update in UPDATES
        for folder in update.get("directories", [update.get("directory")])
    }
    files = {"Dockerfile": "docker", "uv.lock": "uv", "package-lock.json": "npm"}
    found = {
        (files[name], f"/{folder}")
        for folder, _, name in (path.rpartition("/") for path in tracked_files())
        if name in files and not folder.startswith("tests/")
    }
    assert watched == found | {("github-actions", "/")}
