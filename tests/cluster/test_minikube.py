"""deploy/minikube.sh deploys, and deploys again, on a real API server."""

import pytest

from tests.cluster.mesh import NAMESPACE
from tests.cluster.minikube import Minikube

WORKLOADS = ("deployments", "statefulsets")


async def test_all_of_it_is_admitted_and_ready_and_has_the_version(minikube: Minikube) -> None:
    kubectl = minikube.cluster.kubectl
    workloads = await kubectl.items(",".join(WORKLOADS), f"--namespace={NAMESPACE}")
    ready = {item["metadata"]["name"]: item["status"].get("readyReplicas") for item in workloads}
    assert ready == dict.fromkeys(("api", "relay", "indexer", "mongodb", "elasticsearch", "kafka"), 1)
    api = await kubectl.get("deployment", "api", f"--namespace={NAMESPACE}")
    assert [container["image"] for container in api["spec"]["template"]["spec"]["containers"]] == ["user-service:1.2.3"]


async def test_a_second_run_changes_nothing_and_says_the_address(minikube: Minikube) -> None:
    before = await _generations(minikube)
    said = await minikube.deploy()
    assert await _generations(minikube) == before
    service = await minikube.cluster.kubectl.get("service", "user-service", f"--namespace={NAMESPACE}")
    assert f"http://{minikube.address}:{service['spec']['ports'][0]['nodePort']}/graphql" in said


@pytest.mark.parametrize("tag", ["1.3.0"])
async def test_another_version_is_rolled_out(minikube: Minikube, tag: str) -> None:
    await minikube.deploy(tag)
    pods = await minikube.cluster.kubectl.items("pods", f"--namespace={NAMESPACE}")
    images = {container["image"] for pod in pods for container in pod["spec"]["containers"]}
    assert f"user-service:{tag}" in images


async def _generations(minikube: Minikube) -> dict[str, int]:
    """How often each object's specification has changed."""
    items = await minikube.cluster.kubectl.items(",".join((*WORKLOADS, "services")), f"--namespace={NAMESPACE}")
    return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"].get("generation", 0) for item in items}
