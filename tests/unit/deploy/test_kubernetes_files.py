"""Every kustomization names files that are there, and every file beside it is named."""

from pathlib import Path

import pytest

from tests.unit.deploy import manifests
from tests.unit.deploy.project import ROOT, tracked_files

FOLDERS = [manifests.BASE, manifests.MINIKUBE, manifests.PRODUCTION]

folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def _named(folder: Path) -> set[str]:
    """The files that the folder's kustomization reads."""
    given = manifests.kustomization(folder)
    generators = [*given.get("configMapGenerator", []), *given.get("secretGenerator", [])]
    return {
        "kustomization.yaml",
        *given["resources"],
        *(file for generator in generators for file in generator["envs"]),
        *(patch["path"] for patch in given.get("patches", []) if "path" in patch),
    }


@folder
def test_no_file_is_missing_and_none_is_forgotten(folder: Path) -> None:
    files = {name for name in _named(folder) if not name.startswith("../")}
    assert files == {file.name for file in folder.iterdir()}
    assert {str((folder / name).relative_to(ROOT)) for name in files} <= tracked_files()


@folder
def test_what_a_folder_builds_on_is_there(folder: Path) -> None:
    others = {(folder / name).resolve() for name in _named(folder) if name.startswith("../")}
    assert all((other / "kustomization.yaml").is_file() for other in others)
    assert (manifests.BASE in others) is (folder != manifests.BASE)


@folder
def test_everything_is_in_the_namespace_of_the_service(folder: Path) -> None:
    assert manifests.kustomization(folder)["namespace"] == "user-service"
    assert not [each for each in manifests.resources(folder) if "namespace" in each["metadata"]]


@pytest.mark.parametrize("folder", [manifests.BASE, manifests.PRODUCTION], ids=lambda folder: folder.name)
def test_no_secret_is_in_the_repository(folder: Path) -> None:
    assert not manifests.of_kind(manifests.resources(folder), "Secret")
    assert "secretGenerator" not in manifests.kustomization(folder)


def test_no_manifest_needs_a_kind_that_a_cluster_may_not_have() -> None:
    """The mesh's own are in istio/, since a cluster may have no mesh."""
    versions = {each["apiVersion"] for folder in FOLDERS for each in manifests.resources(folder)}
    assert versions == {"v1", "apps/v1", "autoscaling/v2", "networking.k8s.io/v1", "policy/v1"}


def test_the_script_that_deploys_may_be_run() -> None:
    assert (ROOT / "deploy/minikube.sh").stat().st_mode & 0o111
