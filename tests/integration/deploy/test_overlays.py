"""The overlays as kustomize renders them: whole, consistent in themselves, and different where they should be."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.deploy.conftest import Render
from tests.unit.deploy.manifests import BASE, MINIKUBE, PRODUCTION, WORKLOADS, Manifest, container, of_kind, pod
from tests.unit.deploy.restricted import violations

PROCESSES = {"api", "relay", "indexer"}

overlay = pytest.mark.parametrize("folder", [MINIKUBE, PRODUCTION], ids=lambda folder: folder.name)


def _references(manifests: Sequence[Manifest], kind: str) -> Iterator[str]:
    """The names of the ConfigMaps or Secrets that pods cannot start without."""
    for workload in of_kind(manifests, *WORKLOADS).values():
        yield from _of_variables(container(workload), kind)
        yield from (
            volume[kind]["name"]
            for volume in pod(workload).get("volumes", [])
            if kind in volume and not volume[kind].get("optional")
        )


def _of_variables(container: Mapping[str, Any], kind: str) -> Iterator[str]:
    yield from (source[f"{kind}Ref"]["name"] for source in container.get("envFrom", []) if f"{kind}Ref" in source)
    for variable in container.get("env", []):
        key = variable.get("valueFrom", {}).get(f"{kind}KeyRef")
        if key and not key.get("optional"):
            yield key["name"]


@overlay
def test_everything_is_in_the_namespace(folder: Path, render: Render) -> None:
    manifests = render(folder)
    assert {each["metadata"].get("namespace") for each in manifests if each["kind"] != "Namespace"} == {"user-service"}
    assert list(of_kind(manifests, "Namespace")) == ["user-service"]


@overlay
def test_no_name_is_given_twice(folder: Path, render: Render) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in render(folder)]
    assert len(names) == len(set(names))


@overlay
def test_pods_find_their_settings(folder: Path, render: Render) -> None:
    manifests = render(folder)
    found = set(_references(manifests, "configMap"))
    assert found == of_kind(manifests, "ConfigMap").keys()
    assert all("-" in name.removeprefix("user-service").removeprefix("mongo-rs") for name in found), "with a digest"


def test_pods_find_their_secrets(render: Render) -> None:
    assert set(_references(render(MINIKUBE), "secret")) == of_kind(render(MINIKUBE), "Secret").keys()
    assert set(_references(render(PRODUCTION), "secret")) == {"user-service"}
    assert not of_kind(render(PRODUCTION), "Secret")


@overlay
def test_the_restricted_profile_takes_every_pod(folder: Path, render: Render) -> None:
    found = {name: violations(each) for name, each in of_kind(render(folder), *WORKLOADS).items()}
    assert set(found) >= PROCESSES
    assert not any(found.values()), found


def test_an_overlay_adds_settings_and_takes_none_away(render: Render) -> None:
    [base] = of_kind(render(BASE), "ConfigMap").values()
    for folder in (MINIKUBE, PRODUCTION):
        [given] = [each for name, each in of_kind(render(folder), "ConfigMap").items() if "user-service" in name]
        assert given["data"].keys() > base["data"].keys()
    assert given["data"].items() >= base["data"].items(), "production changes none either"


def test_minikube_has_one_pod_of_each_and_nothing_that_scales_them(render: Render) -> None:
    manifests = render(MINIKUBE)
    assert {name: each["spec"]["replicas"] for name, each in of_kind(manifests, *WORKLOADS).items()} == dict.fromkeys(
        PROCESSES | {"mongodb", "elasticsearch", "kafka"}, 1
    )
    assert not of_kind(manifests, "HorizontalPodAutoscaler", "PodDisruptionBudget")
    assert of_kind(render(BASE), "HorizontalPodAutoscaler").keys() == {"api", "indexer"}


def test_minikube_has_a_port_of_the_node_and_lets_requests_in(render: Render) -> None:
    manifests = render(MINIKUBE)
    assert of_kind(manifests, "Service")["user-service"]["spec"]["type"] == "NodePort"
    assert of_kind(manifests, "NetworkPolicy")["api-requests"]["spec"]["ingress"] == [
        {"ports": [{"protocol": "TCP", "port": 8000}]}
    ]


def test_minikubes_processes_call_its_own_servers_only(render: Render) -> None:
    policies = of_kind(render(MINIKUBE), "NetworkPolicy")
    for name in ("api-dependencies", "pipeline-dependencies"):
        called = {
            peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]: rule["ports"][0]["port"]
            for rule in policies[name]["spec"]["egress"]
            for peer in rule["to"]
        }
        servers = {"mongodb": 27017, "elasticsearch": 9200}
        assert called == servers | ({} if name == "api-dependencies" else {"kafka": 9092})


def test_minikubes_development_key_is_kept(render: Render) -> None:
    manifests = render(MINIKUBE)
    volumes = {
        volume.pop("name"): volume for volume in map(dict, pod(of_kind(manifests, "Deployment")["api"])["volumes"])
    }
    assert volumes["data"] == {"persistentVolumeClaim": {"claimName": "api"}}
    assert "api" in of_kind(manifests, "PersistentVolumeClaim")


def test_only_production_is_in_a_mesh(render: Render) -> None:
    injected = {
        folder.name: of_kind(render(folder), "Namespace")["user-service"]["metadata"]["labels"].get("istio-injection")
        for folder in (BASE, MINIKUBE, PRODUCTION)
    }
    assert injected == {"base": None, "minikube": None, "production": "enabled"}
    for each in of_kind(render(PRODUCTION), "Deployment").values():
        assert each["spec"]["template"]["metadata"]["annotations"].keys() == {"proxy.istio.io/config"}


def test_production_names_its_own_image_everywhere(render: Render) -> None:
    images = {container(each)["image"] for each in of_kind(render(PRODUCTION), "Deployment").values()}
    [image] = images
    assert image.startswith("docker.io/")
    assert image.endswith("/user-service:0.0.0-dev")


def test_production_has_an_api_in_each_of_three_zones(render: Render) -> None:
    scaler = of_kind(render(PRODUCTION), "HorizontalPodAutoscaler")["api"]["spec"]
    assert scaler["minReplicas"] == 3
    assert scaler["metrics"] == of_kind(render(BASE), "HorizontalPodAutoscaler")["api"]["spec"]["metrics"]
