"""The workflows of .github/workflows, as far as tests ask about them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML

from tests.unit.deploy.project import ROOT

FOLDER = ROOT / ".github/workflows"
FILES = sorted(FOLDER.iterdir())
WORKFLOWS: Mapping[str, Mapping[Any, Any]] = {path.name: YAML(typ="safe", pure=True).load(path) for path in FILES}
JOBS: Sequence[tuple[str, str]] = [(file, job) for file, workflow in WORKFLOWS.items() for job in workflow["jobs"]]


def job(file: str, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = WORKFLOWS[file]["jobs"][name]
    return found


def steps(file: str, name: str) -> Sequence[Mapping[str, Any]]:
    """None where a job is another workflow."""
    found: Sequence[Mapping[str, Any]] = job(file, name).get("steps", ())
    return found


def scripts(file: str, name: str) -> str:
    """All that a job runs."""
    return "\n".join(step["run"] for step in steps(file, name) if "run" in step)


def variables(file: str, name: str) -> Iterator[tuple[str, set[str]]]:
    """Each script of a job and the variables that it is given."""
    shared = set(WORKFLOWS[file].get("env", ())) | set(job(file, name).get("env", ()))
    for step in steps(file, name):
        if "run" in step:
            yield step["run"], shared | set(step.get("env", ()))


def used(file: str) -> Sequence[str]:
    """What a workflow says after each `uses:`, with its comment."""
    return re.findall(r"uses: (.+)", (FOLDER / file).read_text())
