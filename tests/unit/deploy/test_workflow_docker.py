""".github/workflows/docker.yml: nothing is released without tests, and nothing is pushed without a new version."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.deploy.dockerfile import read_stages
from tests.unit.deploy.project import ROOT, settings_of
from tests.unit.deploy.workflows import WORKFLOWS, steps
from tests.unit.graph.api import open_api

WORKFLOW = WORKFLOWS["docker.yml"]
JOBS: Mapping[str, Mapping[str, Any]] = WORKFLOW["jobs"]
TAG = "${{ needs.version.outputs.tag }}"


def _step(job: str, what: str) -> Mapping[str, Any]:
    """The only step of a job that uses this action or has this id or name."""
    [found] = [
        step
        for step in steps("docker.yml", job)
        if what in {step.get("id"), step.get("name"), step.get("uses", "").partition("@")[0]}
    ]
    return found


def _builds() -> list[Mapping[str, Any]]:
    return [
        step["with"] for step in steps("docker.yml", "image") if "docker/build-push-action@" in step.get("uses", "")
    ]


def test_it_runs_on_main_one_after_the_other() -> None:
    assert WORKFLOW["on"] == {"push": {"branches": ["main"]}}
    assert WORKFLOW["concurrency"] == {"group": "release", "cancel-in-progress": False}
    assert WORKFLOW["permissions"] == {}


def test_each_job_waits_for_the_one_before() -> None:
    assert JOBS["tests"]["uses"] == "./.github/workflows/ci.yml"
    needs = {name: job.get("needs") for name, job in JOBS.items()}
    assert needs == {"tests": None, "version": "tests", "release": "version", "image": ["version", "release"]}


@pytest.mark.parametrize("name", ["release", "image"])
def test_without_a_new_version_nothing_follows(name: str) -> None:
    assert JOBS[name]["if"] == "needs.version.outputs.tag != ''"


def test_the_version_comes_from_the_commits_or_not_at_all() -> None:
    """What the action does with these is tried out and told in docs/releases.md."""
    given = _step("version", "tag")
    assert given["uses"].startswith("mathieudutour/github-tag-action@")
    assert given["with"]["default_bump"] == "false"
    assert given["with"]["tag_prefix"] == ""
    assert given["with"]["release_branches"] == "main"
    assert JOBS["version"]["outputs"]["tag"] == "${{ steps.tag.outputs.new_tag }}"


def _run(script: str, folder: Path, gh: str, **environment: str) -> tuple[int, str, list[list[str]]]:
    """Runs a step as the runner does, with a `gh` that does this; its exit code, its outputs and how gh was called."""
    calls, output = folder / "calls", folder / "output"
    output.touch()
    program = folder / "gh"
    program.write_text(
        "#!/usr/bin/env python3\nimport json, sys\n"
        f"open({str(calls)!r}, 'a').write(json.dumps(sys.argv[1:]) + chr(10))\n{gh}\n"
    )
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        check=False,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(output), "GITHUB_REPOSITORY": "us/it"}
        | environment,
    )
    return done.returncode, output.read_text(), [json.loads(line) for line in calls.read_text().splitlines()]


def test_the_first_release_of_all_has_a_version_of_its_own(tmp_path: Path) -> None:
    """Without a tag the action finds no commits to count, and so would never make the first."""
    first = _step("version", "first")
    assert _step("version", "tag")["with"]["custom_tag"] == "${{ steps.first.outputs.version }}"
    code, outputs, _ = _run(first["run"], tmp_path, "print(0)")
    assert code == 0
    assert "version=0.1.0\n" in outputs
    assert "notes=" in outputs


@pytest.mark.parametrize(("gh", "code"), [("print(1)", 0), ("sys.exit(4)", 4)], ids=["tags", "no answer"])
def test_any_other_release_counts_from_the_last_one(tmp_path: Path, gh: str, code: int) -> None:
    assert _run(_step("version", "first")["run"], tmp_path, gh)[:2] == (code, "")


NOTES = '### Features\n\n* `$(touch /tmp/never)` "quoted" ([abc](https://example.com))'


@pytest.mark.parametrize("there", [True, False], ids=["there", "new"])
def test_the_release_has_the_notes_and_is_made_once(tmp_path: Path, there: bool) -> None:
    [step] = JOBS["release"]["steps"]
    assert step["env"] == {
        "GH_TOKEN": "${{ github.token }}",
        "GH_REPO": "${{ github.repository }}",
        "TAG": TAG,
        "NOTES": "${{ needs.version.outputs.notes }}",
    }
    gh = f"sys.exit(0 if {there} or sys.argv[2] == 'create' else 1)"
    code, _, calls = _run(step["run"], tmp_path, gh, TAG="1.2.3", NOTES=NOTES)
    made = ["release", "create", "1.2.3", "--verify-tag", "--title", "1.2.3", "--notes", NOTES]
    assert (code, calls[1:]) == (0, [] if there else [made])


def test_the_image_is_built_from_the_tag_and_is_told_it() -> None:
    assert _step("image", "actions/checkout")["with"]["ref"] == TAG
    assert [build["build-args"] for build in _builds()] == [f"APP_VERSION={TAG}"] * 2
    assert [build["context"] for build in _builds()] == ["."] * 2


def test_what_is_pushed_is_for_both_architectures_and_says_where_it_is_from() -> None:
    [candidate, pushed] = _builds()
    assert "push" not in candidate
    assert candidate["load"] is True
    assert pushed["push"] is True
    assert pushed["platforms"] == "linux/amd64,linux/arm64"
    assert (pushed["provenance"], pushed["sbom"]) == ("mode=max", True)
    assert pushed["tags"] == "${{ steps.names.outputs.tags }}"


def test_its_names_are_the_tag_major_minor_and_latest() -> None:
    names = _step("image", "names")["with"]
    assert names["images"] == "${{ secrets.DOCKERHUB_USERNAME }}/user-service"
    assert names["flavor"] == "latest=true"
    patterns = ["{{version}}", "{{major}}.{{minor}}"]
    assert names["tags"].splitlines() == [f"type=semver,pattern={pattern},value={TAG}" for pattern in patterns]


def test_nothing_is_pushed_before_the_image_has_said_its_version() -> None:
    order = [step.get("name") or step.get("id") or step["uses"].partition("@")[0] for step in JOBS["image"]["steps"]]
    says, logs_in = order.index("What runs says which version it is"), order.index("docker/login-action")
    assert says < logs_in < order.index("Build for both architectures and push")
    assert JOBS["image"]["env"] == {"TAG": TAG}


@pytest.mark.parametrize("version", ["1.2.3", "0.1.0"])
async def test_the_service_says_the_version_that_its_image_was_built_with(
    version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = read_stages(ROOT / "Dockerfile")[-1].environment(APP_VERSION=version)
    settings = settings_of(environment, monkeypatch)
    async with open_api(tmp_path, app_version=settings.app_version) as api:
        assert await api.data("{ serviceInfo { version } }") == {"serviceInfo": {"version": version}}
        assert f'service_version{{version="{version}"}} 1.0' in (await api.client.get("/metrics")).text
