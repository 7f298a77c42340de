"""Every workflow is sound, pinned and short of rights, and names only what is there."""

import re
import subprocess

import pytest

from tests.servers.fixtures import built
from tests.servers.tools import LINTERS
from tests.unit.deploy.project import ROOT, tracked_files
from tests.unit.deploy.workflows import FILES, FOLDER, JOBS, WORKFLOWS, job, scripts, steps, used, variables

OURS = "./.github/workflows/"
SECRETS = {"DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"}
RELEASES = (ROOT / "docs/releases.md").read_text()

each_file = pytest.mark.parametrize("file", list(WORKFLOWS))
each_job = pytest.mark.parametrize(("file", "name"), JOBS)


def test_actionlint_passes() -> None:
    actionlint = built(LINTERS).path("actionlint")
    done = subprocess.run([actionlint, "-no-color", *FILES], cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_actionlint_would_find_a_fault() -> None:
    actionlint = built(LINTERS).path("actionlint")
    faulty = (FOLDER / "docker.yml").read_text().replace("needs: tests", "needs: test")
    done = subprocess.run([actionlint, "-no-color", "-"], check=False, input=faulty, capture_output=True, text=True)
    assert done.returncode == 1
    assert 'needs job "test" which does not exist' in done.stdout


@each_file
def test_every_action_is_pinned_to_a_commit_and_says_its_release(file: str) -> None:
    theirs = [line for line in used(file) if not line.startswith(OURS)]
    assert theirs
    assert [line for line in theirs if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+(\.\d+){1,2}", line)] == []


def test_one_action_is_one_commit_everywhere() -> None:
    lines = {line for file in WORKFLOWS for line in used(file)}
    assert len({line.partition("@")[0] for line in lines}) == len(lines)


@each_file
def test_a_workflow_that_is_called_exists_and_may_be_called(file: str) -> None:
    for line in used(file):
        if line.startswith(OURS):
            assert "workflow_call" in WORKFLOWS[line.removeprefix(OURS)]["on"]


@each_job
def test_every_job_says_what_it_may(file: str, name: str) -> None:
    """Its own permissions count, or the workflow's; to write is for those that make the tag and the release."""
    granted = job(file, name).get("permissions", WORKFLOWS[file]["permissions"])
    may_write = (file, name) in {("docker.yml", "version"), ("docker.yml", "release")}
    assert granted == {"contents": "write" if may_write else "read"}


@each_job
def test_a_checkout_leaves_no_credentials(file: str, name: str) -> None:
    checkouts = [step for step in steps(file, name) if "actions/checkout@" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@each_job
def test_every_job_ends(file: str, name: str) -> None:
    if steps(file, name):
        assert 0 < job(file, name)["timeout-minutes"] <= 60


@each_job
def test_no_script_is_put_together_from_what_others_write(file: str, name: str) -> None:
    """Values come as variables: a message or a branch's name must not become a command."""
    assert "${{" not in scripts(file, name)


@each_job
def test_every_variable_of_a_script_is_given_to_it(file: str, name: str) -> None:
    for script, given in variables(file, name):
        own = set(re.findall(r"\b([A-Z][A-Z0-9_]*)=", script)) | set(re.findall(r"\bfor ([A-Z_]+) in", script))
        named = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]*)", script))
        assert {each for each in named - given - own if not each.startswith(("GITHUB_", "RUNNER_"))} == set()


@each_job
def test_every_make_target_and_file_exists(file: str, name: str) -> None:
    text = scripts(file, name)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets
    for path in re.findall(r"(?<![\w./-])(?:tests|deploy|docs|istio|benchmarks|\.github)/[\w./-]+", text):
        assert any(each == path or each.startswith(f"{path}/") for each in tracked_files()), path


@each_file
def test_every_secret_is_known_and_explained(file: str) -> None:
    named = set(re.findall(r"secrets\.(\w+)", (FOLDER / file).read_text()))
    assert named <= SECRETS
    assert all(f"`{secret}`" in RELEASES for secret in named)
