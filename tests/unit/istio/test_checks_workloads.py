"""What the check believes of deploy/ is what is there."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from keytool.checks.workloads import CONTAINER_PORTS, HOSTS, NAMESPACE, SERVICE_PORTS, WORKLOADS
from tests.unit.istio.manifests import ROOT


def _manifests(kind: str) -> list[Any]:
    files = sorted((ROOT / "deploy" / "base").glob("*.yaml"))
    documents = [document for file in files for document in YAML(typ="safe").load_all(Path(file)) if document]
    return [document for document in documents if document["kind"] == kind]


def test_the_namespace() -> None:
    assert [namespace["metadata"]["name"] for namespace in _manifests("Namespace")] == [NAMESPACE]


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_labels_of_pods(name: str) -> None:
    (deployment,) = [found for found in _manifests("Deployment") if found["metadata"]["name"] == name]
    template = deployment["spec"]["template"]
    assert WORKLOADS[name].items() <= template["metadata"]["labels"].items()
    ports = {str(port["containerPort"]) for port in template["spec"]["containers"][0]["ports"]}
    assert ports <= CONTAINER_PORTS
    assert template["spec"]["serviceAccountName"] == name


def test_no_deployment_is_missing() -> None:
    assert {deployment["metadata"]["name"] for deployment in _manifests("Deployment")} == set(WORKLOADS)


def test_the_services() -> None:
    found = {service["metadata"]["name"]: service["spec"]["ports"][0]["port"] for service in _manifests("Service")}
    assert found == SERVICE_PORTS
    assert set(HOSTS.values()) == set(SERVICE_PORTS.values())
