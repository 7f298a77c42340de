"""What is shipped is clean by every check there is, and one check at least finds each mistake: the project's own."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import schemas, surroundings, validators
from tests.cluster.certificate import Certificate
from tests.cluster.cluster import Cluster
from tests.cluster.manifests import OVERLAYS, Manifests
from tests.cluster.mesh import HOST, NAMESPACE, Mesh
from tests.cluster.mistakes import MISTAKES
from tests.cluster.waiting import until


@pytest.fixture(scope="module")
def kubeconform(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where its schemas are."""
    return schemas.write(tmp_path_factory.mktemp("schemas"))


@pytest.fixture(scope="module")
async def overlays(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every overlay as `kubectl kustomize` renders it."""
    folder = tmp_path_factory.mktemp("overlays")
    rendered = {}
    for overlay in sorted(OVERLAYS.iterdir()):
        rendered[overlay.name] = folder / f"{overlay.name}.yaml"
        rendered[overlay.name].write_text(await cluster.kubectl("kustomize", str(overlay)))
    return rendered


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the manifests refer to in any mesh."""
    folder = tmp_path_factory.mktemp("surroundings")
    path = folder / "surroundings.yaml"
    objects = surroundings.objects(Certificate.made(folder, HOST))
    path.write_text("\n---\n".join(json.dumps(item) for item in objects))
    return path


async def test_every_overlay_and_all_istio_manifests_conform(
    kubeconform: str, overlays: dict[str, Path], manifests: Manifests
) -> None:
    files = [*overlays.values(), *sorted(manifests.istio.glob("*.yaml"))]
    assert await validators.conforms(kubeconform, files) == ""


async def test_istio_has_nothing_to_say_of_what_is_shipped(
    overlays: dict[str, Path], manifests: Manifests, around: Path
) -> None:
    ours = sorted(manifests.istio.glob("*.yaml"))
    assert await validators.validated(ours) == ""
    assert await validators.analyzed([*ours, overlays["production"], around]) == ""


async def test_the_api_server_takes_every_overlay_and_the_istio_manifests(mesh: Mesh, manifests: Manifests) -> None:
    """The overlays are really applied elsewhere: production for the mesh, minikube by its script."""
    kubectl = mesh.cluster.kubectl
    for overlay in sorted(OVERLAYS.iterdir()):
        await kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-k", str(overlay))
    await kubectl("apply", "--dry-run=server", "-f", str(manifests.istio))


async def test_the_pods_of_every_process_are_admitted(mesh: Mesh) -> None:
    """The namespace enforces the strictest profile on pods: that a Deployment is taken says nothing of its pods."""
    kubectl = mesh.cluster.kubectl
    namespace = await kubectl.get("namespace", NAMESPACE)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"

    async def made() -> bool:
        deployments = await kubectl.items("deployments", f"--namespace={NAMESPACE}")
        return all(item["status"].get("replicas") == item["spec"]["replicas"] for item in deployments)

    await until(made, "a pod of every Deployment")


async def test_every_mistake_is_found_before_kubectl_apply(
    *,
    mesh: Mesh,
    manifests: Manifests,
    kubeconform: str,
    overlays: dict[str, Path],
    around: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    table: list[tuple[str, ...]] = [
        ("mistake", "check_manifests.py", "kubeconform", "API server", "istioctl validate", "istioctl analyze")
    ]
    for number, mistake in enumerate(MISTAKES):
        folder = tmp_path / str(number)
        folder.mkdir()
        wrong = mistake.write(manifests, folder)
        ours = sorted(folder.glob("*.yaml"))
        found = await asyncio.gather(
            validators.checked(ours),
            validators.conforms(kubeconform, [wrong]),
            validators.admitted(mesh.cluster.kubectl, wrong),
            validators.validated([wrong]),
            validators.analyzed([*ours, overlays["production"], around]),
        )
        assert mistake.file in found[0], f"{mistake.name}: {found[0]}"
        table.append((mistake.name, *("found" if said else "-" for said in found)))
    record_property("show", _aligned(table))
    for column, name in enumerate(table[0][1:], start=1):
        assert any(row[column] == "found" for row in table[1:]), f"{name} found nothing at all: does it run?"


def _aligned(table: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
