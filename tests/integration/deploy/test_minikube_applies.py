"""What deploy/minikube.sh applies, rendered by the real kubectl: the overlay, with the image that was asked for."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.deploy.conftest import Render
from tests.unit.deploy.manifests import MINIKUBE, WORKLOADS, Manifest, container, of_kind, parse
from tests.unit.deploy.project import ROOT

STUB_OF_MINIKUBE = "#!/bin/sh\ncase $* in *' ip') echo 192.168.49.2 ;; esac\n"
STUB_OF_KUBECTL = """#!/bin/sh
for folder; do :; done
case $* in
*' apply '*) exec {kubectl} kustomize "$folder" >{rendered} ;;
esac
"""


@pytest.fixture
def applied(kubectl: str, tmp_path: Path) -> Sequence[Manifest]:
    rendered = tmp_path / "rendered.yaml"
    stubs = {"minikube": STUB_OF_MINIKUBE, "kubectl": STUB_OF_KUBECTL.format(kubectl=kubectl, rendered=rendered)}
    for name, text in stubs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TAG": "1.10", "IMAGE": "localhost:5000/team/users"}
    subprocess.run([ROOT / "deploy/minikube.sh"], env=environment, timeout=60, check=True)
    return parse(rendered.read_text())


def test_the_image_alone_differs_from_the_overlay(applied: Sequence[Manifest], render: Render) -> None:
    images = {name: container(each)["image"] for name, each in of_kind(applied, *WORKLOADS).items()}
    expected = {name: container(each)["image"] for name, each in of_kind(render(MINIKUBE), *WORKLOADS).items()}
    own = {name for name, image in expected.items() if image.startswith("user-service:")}
    assert own == {"api", "relay", "indexer"}
    assert images == expected | dict.fromkeys(own, "localhost:5000/team/users:1.10")
    assert _without_images(applied) == _without_images(render(MINIKUBE))


def _without_images(manifests: Sequence[Manifest]) -> str:
    lines = [repr(each) for each in manifests]
    for each in of_kind(manifests, *WORKLOADS).values():
        lines = [line.replace(container(each)["image"], "IMAGE") for line in lines]
    return "\n".join(lines)
