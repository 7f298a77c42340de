"""deploy/minikube.sh against a stub `minikube` and `kubectl` that record what they are asked."""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.deploy import manifests
from tests.unit.deploy.project import ROOT

SCRIPT = ROOT / "deploy/minikube.sh"
NEEDED = ("bash", "cat", "cp", "dirname", "grep", "mktemp", "rm", "sed")
"""All that the script takes from the system: with nothing else on the PATH, no real cluster can be reached."""

MINIKUBE = """#!/usr/bin/env bash
echo "minikube $*" >>"$RECORDED/calls"
case "$*" in
*" status") exit "${STATUS:-0}" ;;
*" image ls") printf 'registry.k8s.io/pause:3.10\\ndocker.io/library/user-service:1.2.3\\n' ;;
*" ip") echo 192.168.49.2 ;;
esac
"""

KUBECTL = """#!/usr/bin/env bash
for folder in "$@"; do :; done
echo "kubectl ${*/#\\/*/FOLDER}" >>"$RECORDED/calls"
case "$*" in
*" apply "*)
  cp -R "$folder" "$RECORDED/applied.$(grep -c ' apply ' "$RECORDED/calls")"
  exit "${APPLIED:-0}"
  ;;
*" rollout status "*) [[ $* != *"${UNREADY:-nothing}"* ]] || { echo "error: timed out" >&2; exit 1; } ;;
*" get pods "*) echo "api-0   0/1   ImagePullBackOff" ;;
*" get service "*) echo 30817 ;;
esac
"""


@dataclass(frozen=True)
class Ran:
    """What one run said, and what all runs so far have asked the stubs."""

    code: int
    out: str
    err: str
    calls: Sequence[str]


Run = Callable[..., Ran]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The only folder on the script's PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in NEEDED:
        (folder / tool).symlink_to(shutil.which(tool) or f"/missing/{tool}")
    for name, text in {"minikube": MINIKUBE, "kubectl": KUBECTL}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def run(path: Path, tmp_path: Path) -> Run:
    """Runs the script with these variables and arguments."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    calls = tmp_path / "calls"
    calls.touch()

    def run(*arguments: str, **variables: str) -> Ran:
        environment = {"PATH": str(path), "RECORDED": str(tmp_path), "TMPDIR": str(temporary), **variables}
        done = subprocess.run(
            [SCRIPT, *arguments], env=environment, cwd="/", capture_output=True, text=True, timeout=30, check=False
        )
        assert list(temporary.iterdir()) == [], "nothing is left behind"
        return Ran(done.returncode, done.stdout, done.stderr, calls.read_text().splitlines())

    return run


def _applied(tmp_path: Path, number: int) -> manifests.Manifest:
    return manifests.kustomization(tmp_path / f"applied.{number}")


def test_a_version_is_deployed_waited_for_and_found(run: Run, tmp_path: Path) -> None:
    ran = run(TAG="1.2.3")
    assert (ran.code, ran.err) == (0, "")
    kubectl = "kubectl --context minikube --namespace user-service"
    waits = [call for call in ran.calls if " rollout status " in call]
    assert ran.calls == [
        "minikube --profile minikube status",
        "minikube --profile minikube image ls",
        f"{kubectl} --request-timeout 60s apply --kustomize FOLDER",
        *waits,
        f"{kubectl} --request-timeout 30s get service user-service --output jsonpath={{.spec.ports[0].nodePort}}",
        "minikube --profile minikube ip",
    ]
    assert "http://192.168.49.2:30817/graphql" in ran.out
    assert "exec deployment/api -- python -m graph token" in ran.out
    assert _applied(tmp_path, 1)["images"] == [{"name": "user-service", "newName": "user-service", "newTag": "1.2.3"}]


def test_what_is_applied_is_the_overlay_of_the_checkout(run: Run, tmp_path: Path) -> None:
    run(TAG="1.2.3")
    assert _applied(tmp_path, 1)["resources"] == ["deploy/overlays/minikube"]
    for folder in ("base", "overlays/minikube", "mongo-rs"):
        copied = tmp_path / "applied.1/deploy" / folder
        assert {file.name: file.read_bytes() for file in copied.iterdir()} == {
            file.name: file.read_bytes() for file in (ROOT / "deploy" / folder).iterdir()
        }


def test_every_workload_is_waited_for_with_a_time_limit(run: Run) -> None:
    waits = [call.split(" rollout status ")[1] for call in run(TAG="1.2.3", TIMEOUT="90").calls if "rollout" in call]
    waited = {wait.split(" ")[0] for wait in waits}
    here = [*manifests.resources(manifests.BASE), *manifests.resources(manifests.MINIKUBE)]
    assert waited == {
        f"{kind.lower()}/{name}" for kind in manifests.WORKLOADS for name in manifests.of_kind(here, kind)
    }
    assert all(0 < int(wait.split("--timeout ")[1].removesuffix("s")) <= 90 for wait in waits)


def test_a_second_run_asks_for_the_same(run: Run, tmp_path: Path) -> None:
    first = run(TAG="1.2.3")
    second = run(TAG="1.2.3")
    assert (second.code, second.out) == (0, first.out)
    untimed = [re.sub(r"--timeout \d+s", "--timeout", call) for call in second.calls]
    assert untimed[: len(first.calls)] == untimed[len(first.calls) :]
    assert _applied(tmp_path, 1) == _applied(tmp_path, 2)


def test_another_version_replaces_the_first(run: Run, tmp_path: Path) -> None:
    for tag in ("1.2.3", "1.10"):
        assert run(TAG=tag, IMAGE="localhost:5000/team/users").code == 0
    [image] = _applied(tmp_path, 2)["images"]
    assert image == {"name": "user-service", "newName": "localhost:5000/team/users", "newTag": "1.10"}


def test_an_image_of_a_registry_is_not_looked_for_in_minikube(run: Run) -> None:
    ran = run(TAG="9.9.9", IMAGE="docker.io/team/user-service")
    assert ran.code == 0
    assert not [call for call in ran.calls if "image ls" in call]


def test_another_profile_is_another_context(run: Run) -> None:
    calls = run(TAG="1.2.3", MINIKUBE_PROFILE="second").calls
    assert all(call.startswith(("kubectl --context second ", "minikube --profile second ")) for call in calls)


@pytest.mark.parametrize("tool", ["minikube", "kubectl"])
def test_a_missing_tool_is_named(tool: str, run: Run, path: Path) -> None:
    (path / tool).unlink()
    ran = run(TAG="1.2.3")
    assert (ran.code, ran.err, ran.calls) == (1, f"{tool} is not installed, or not on the PATH.\n", [])


def test_a_minikube_that_does_not_run_is_not_started(run: Run) -> None:
    ran = run(TAG="1.2.3", STATUS="7")
    assert ran.code == 1
    assert ran.err.startswith("minikube 'minikube' does not run. Start it: minikube --profile minikube start")
    assert ran.calls == ["minikube --profile minikube status"]


def test_an_image_that_is_nowhere_is_not_deployed(run: Run) -> None:
    ran = run(TAG="1.2.30")
    assert ran.code == 1
    assert "has no image user-service:1.2.30. Put it there: minikube --profile minikube image load" in ran.err
    assert not [call for call in ran.calls if call.startswith("kubectl")]


def test_refused_manifests_end_it(run: Run) -> None:
    ran = run(TAG="1.2.3", APPLIED="1")
    assert (ran.code, ran.err) == (1, "The cluster refused the manifests: see above.\n")
    assert not [call for call in ran.calls if "rollout" in call]


@pytest.mark.parametrize("unready", ["statefulset/kafka", "deployment/indexer"])
def test_a_failed_roll_out_shows_the_pods_and_fails(unready: str, run: Run) -> None:
    ran = run(TAG="1.2.3", UNREADY=unready)
    assert ran.code == 1
    assert "ImagePullBackOff" in ran.err
    assert f"{unready} is not ready after" in ran.err
    assert f"kubectl --context minikube --namespace user-service describe {unready}" in ran.err
    assert "http://" not in ran.out


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TAG", ""),
        ("TAG", "latest"),
        ("TAG", "1.2.3 "),
        ("TAG", ".1"),
        ("TAG", "user-service:1.2.3"),
        ("TAG", '1"\nnamespace: other'),
        ("TAG", "$(touch /tmp/never)"),
        ("TAG", "1" * 129),
        ("IMAGE", "docker.io/team/user-service:1.2.3"),
        ("IMAGE", "Team/user-service"),
        ("IMAGE", "-rf"),
        ("IMAGE", "a b"),
        ("TIMEOUT", "0"),
        ("TIMEOUT", "10m"),
        ("MINIKUBE_PROFILE", "--all"),
    ],
)
def test_a_malformed_variable_is_refused_before_anything_is_asked(variable: str, value: str, run: Run) -> None:
    ran = run(**{"TAG": "1.2.3", variable: value})
    assert (ran.code, ran.calls, ran.out) == (2, [], "")
    assert ran.err.startswith(variable)


def test_an_argument_is_refused(run: Run) -> None:
    ran = run("1.2.3", TAG="1.2.3")
    assert (ran.code, ran.calls) == (2, [])
    assert ran.err.startswith("'1.2.3' is no argument")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_tells_every_variable_and_needs_nothing(flag: str, run: Run, path: Path) -> None:
    (path / "kubectl").unlink()
    ran = run(flag)
    assert (ran.code, ran.err, ran.calls) == (0, "", [])
    assert all(f"\n  {name} " in ran.out for name in ("TAG", "IMAGE", "TIMEOUT", "MINIKUBE_PROFILE"))
    assert "#" not in ran.out
