"""The Dockerfiles name what is there: files, commands, ports, variables and versions."""

import inspect
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from domain.settings import Settings
from domain.users.mongo_database import INDEX_BUILD_TIMEOUT
from graph.graphiql.page import GraphiQLPage
from tests.unit.deploy.dockerfile import Copy, is_ignored, read_patterns, read_stages
from tests.unit.deploy.project import ROOT, VARIABLES, files_below, parse_command, settings_of, tracked_files

FOLDERS = [".", "deploy/mongo-rs", "deploy/kafka-connect"]
STAGES = {stage.name: stage for stage in read_stages(ROOT / "Dockerfile")}
IMAGE = STAGES[""]
PATTERNS = read_patterns(ROOT / ".dockerignore")
MONGO = read_stages(ROOT / "deploy/mongo-rs/Dockerfile")[-1]
SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|_KEY")


@pytest.mark.parametrize("folder", FOLDERS)
def test_hadolint_passes(folder: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, f"{folder}/Dockerfile"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def _copied(folder: str) -> Sequence[str]:
    stages = read_stages(ROOT / folder / "Dockerfile")
    return [source for stage in stages for copy in stage.copies() if copy.stage is None for source in copy.sources]


@pytest.mark.parametrize(("folder", "source"), [(folder, path) for folder in FOLDERS for path in _copied(folder)])
def test_what_is_copied_is_tracked(folder: str, source: str) -> None:
    assert files_below(source, folder.removeprefix("."))


def test_what_is_copied_reaches_the_build() -> None:
    kept_out = {path for source in _copied(".") for path in files_below(source) if is_ignored(path, PATTERNS)}
    assert kept_out == set()


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        "data/embedded/development-key.pem",
        "domain/.env",
        "domain/users/__pycache__/model.cpython-311.pyc",
        "graph/graphiql/dist/manifest.json",
        "graph/graphiql/node_modules/react/index.js",
        "tests/conftest.py",
    ],
)
def test_what_is_private_or_made_here_stays_out_of_the_build(path: str) -> None:
    assert is_ignored(path, PATTERNS)


def _target(copy: Copy, source: str, path: str) -> str:
    """Where the file `path`, found by `source`, lies below the working folder of the image."""
    if source == path and copy.target.endswith("/"):
        return str(PurePosixPath(copy.target, PurePosixPath(path).name))
    return str(PurePosixPath(copy.target, path.removeprefix(source).lstrip("/")))


def test_the_image_holds_the_three_packages_whole() -> None:
    own = [(copy, source) for copy in IMAGE.copies() if copy.stage is None for source in copy.sources]
    held = {_target(copy, source, path) for copy, source in own for path in files_below(source)}
    assert {path for path in tracked_files() if path.startswith(("domain/", "graph/", "indexer/"))} <= held
    assert {
        "graph/graphiql/page.html",
        "graph/graphiql/not_built.html",
        "graph/graphiql/examples/1-users.graphql",
    } <= held


def test_graphiql_is_built_by_its_own_script_to_where_the_page_looks() -> None:
    [built] = [copy for copy in IMAGE.copies() if copy.stage == "graphiql"]
    stage = STAGES["graphiql"]
    package = json.loads((ROOT / "graph/graphiql/package.json").read_text())
    name = PurePosixPath(built.sources[0]).relative_to(stage.value("WORKDIR"))
    assert f'writeFile("{name}/manifest.json"' in (ROOT / "graph/graphiql/build.mjs").read_text()
    script = stage.values("RUN")[-1].removeprefix("npm run ")
    assert package["scripts"][script] == "node build.mjs"
    assert {path for source in _copied_by("graphiql") for path in files_below(source)} >= files_below(
        "graph/graphiql/src"
    )
    assert ROOT / built.target == inspect.signature(GraphiQLPage.__init__).parameters["dist"].default


def _copied_by(stage: str) -> Sequence[str]:
    return [source for copy in STAGES[stage].copies() for source in copy.sources]


def test_the_environment_stays_at_the_path_that_it_was_made_for() -> None:
    [environment] = [copy for copy in IMAGE.copies() if copy.stage == "environment"]
    place = PurePosixPath(environment.sources[0])
    assert place == PurePosixPath(STAGES["environment"].value("WORKDIR"), ".venv")
    assert place == PurePosixPath(IMAGE.value("WORKDIR"), environment.target)
    assert IMAGE.environment()["PATH"].startswith(f"{place}/bin:")
    assert IMAGE.base == STAGES["environment"].base == "python"


def test_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    [uv] = re.findall(r"uv==\S+", " ".join(STAGES["environment"].values("RUN")))
    assert uv in project["dependency-groups"]["dev"]
    assert f"UV_VERSION := {uv.removeprefix('uv==')}\n" in (ROOT / "Makefile").read_text()
    assert _numbers(STAGES["python"].base) >= _numbers(project["project"]["requires-python"])
    engines = json.loads((ROOT / "graph/graphiql/package.json").read_text())["engines"]
    assert _numbers(STAGES["graphiql"].base) >= _numbers(engines["node"])


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", text))


def test_time_zones_are_known_without_those_of_the_system() -> None:
    packages = {found["name"]: found for found in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    needed, left = set(), ["user-service"]
    while left:
        name = left.pop()
        needed.add(name)
        always = [other["name"] for other in packages[name].get("dependencies", []) if "marker" not in other]
        left += set(always) - needed
    assert "tzdata" in needed


@pytest.mark.parametrize("version", ["1.2.3", "2.0.0-rc.1"])
def test_the_version_of_the_build_is_the_one_of_the_settings(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of(IMAGE.environment(APP_VERSION=version), monkeypatch).app_version == version


def test_a_build_without_a_version_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of(IMAGE.environment(), monkeypatch).app_version == Settings.model_fields["app_version"].default


def test_the_image_sets_only_variables_that_are_read_and_no_secret() -> None:
    names = IMAGE.environment().keys()
    assert {name for name in names if name != "PATH" and not name.startswith("PYTHON")} <= VARIABLES
    assert not [value for value in (*IMAGE.values("ENV"), *IMAGE.values("ARG")) if SECRET.search(value)]


def test_data_lies_on_the_volume() -> None:
    assert IMAGE.environment()["DATA_DIR"] == IMAGE.value("VOLUME")


def test_the_ports_are_those_of_the_settings() -> None:
    ports = {str(Settings.model_fields[name].default) for name in ("port", "indexer_port")}
    assert set(IMAGE.value("EXPOSE").split()) == ports


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_runs_as_root(folder: str) -> None:
    final = read_stages(ROOT / folder / "Dockerfile")[-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", final.value("USER"))


def test_the_image_runs_a_command_that_exists() -> None:
    assert IMAGE.command("ENTRYPOINT") == ["python", "-m"]
    parse_command(IMAGE.command("CMD"))


def test_the_health_check_is_a_file_of_the_image() -> None:
    python, script = IMAGE.command("HEALTHCHECK")
    targets = {
        PurePosixPath(IMAGE.value("WORKDIR"), copy.target, PurePosixPath(source).name)
        for copy in IMAGE.copies()
        for source in copy.sources
    }
    assert python == "python"
    assert PurePosixPath(script) in targets


def test_a_start_may_take_as_long_as_the_building_of_an_index() -> None:
    [seconds] = re.findall(r"--start-period=(\d+)s", IMAGE.value("HEALTHCHECK"))
    assert timedelta(seconds=int(seconds)) > INDEX_BUILD_TIMEOUT


def test_the_replica_set_starts_by_scripts_of_its_image() -> None:
    [copy] = MONGO.copies()
    shell, script = MONGO.command("ENTRYPOINT")
    assert shell == "bash"
    assert script in {f"{copy.target}{source}" for source in copy.sources}
    start = (ROOT / "deploy/mongo-rs" / PurePosixPath(script).name).read_text()
    assert subprocess.run(["bash", "-n"], input=start, text=True, check=False).returncode == 0
    assert set(re.findall(r"--file (\S+?);", start)) <= set(copy.sources)
    read = set(
        re.findall(r"\$([A-Z_]+)|process\.env\.([A-Z_]+)", start + (ROOT / "deploy/mongo-rs/initiate.js").read_text())
    )
    assert {first or second for first, second in read} == MONGO.environment().keys()
