"""One cluster and one mesh for all of these tests, which are collected only where `make test-cluster` runs them."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.cluster import network
from tests.cluster.cluster import Cluster, cluster_in
from tests.cluster.kubelet import Kubelet
from tests.cluster.manifests import Manifests
from tests.cluster.mesh import NAMESPACE, Mesh, mesh_on
from tests.cluster.minikube import Minikube
from tests.cluster.upstream import Upstream, upstream_on
from tests.servers.coredns import CoreDNS
from tests.servers.fixtures import built, own_server, refuse
from tests.servers.tools import TOOLS

collect_ignore_glob = [] if network.asked() else ["test_*.py"]


def pytest_report_header() -> str | None:
    """Why there are none, for whoever names this folder."""
    return None if network.asked() else "tests/cluster: run these by `make test-cluster`"


@pytest.fixture(scope="session", autouse=True)
def own_network() -> None:
    if reason := network.missing():
        refuse("network", reason)


@pytest.fixture(scope="session", autouse=True)
async def tools(own_network: None) -> None:
    """Everything that is run here, built."""
    for tool in TOOLS:
        await asyncio.to_thread(built, tool)


@pytest.fixture(scope="session")
async def cluster(tools: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """The cluster that the production overlay and the Istio manifests are applied to."""
    async with cluster_in(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    """The Istio manifests with keys filled in by the project's own script."""
    return Manifests.made(tmp_path_factory.mktemp("manifests"))


@pytest.fixture(scope="session")
async def mesh(cluster: Cluster, manifests: Manifests, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """The manifests in force: istiod, a gateway, and sidecars beside one pod of the API and one of the relay."""
    async with mesh_on(cluster, manifests, tmp_path_factory.mktemp("mesh")) as mesh:
        yield mesh


@pytest.fixture(scope="session")
async def other_cluster(tools: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """One without a mesh, where pods become ready by themselves: what deploy/minikube.sh has before it."""
    async with (
        cluster_in(tmp_path_factory.mktemp("other-cluster")) as cluster,
        Kubelet(cluster.kubectl, network.addresses()).running(NAMESPACE),
    ):
        yield cluster


@pytest.fixture(scope="session")
async def minikube(other_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Minikube:
    """The other cluster once deploy/minikube.sh has been run on it."""
    minikube = Minikube(other_cluster, tmp_path_factory.mktemp("minikube"))
    await minikube.deploy()
    return minikube


@pytest.fixture(scope="session")
async def cluster_dns(other_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CoreDNS]:
    """The name server of the other cluster."""
    folder = tmp_path_factory.mktemp("dns")
    async with own_server(CoreDNS, folder, kubeconfig=other_cluster.kubeconfig) as server:
        yield server


@pytest.fixture
async def upstream(mesh: Mesh) -> AsyncIterator[Upstream]:
    """An application behind the API's sidecar that tells what reached it."""
    async with upstream_on(mesh.API_PORT) as upstream:
        yield upstream


@pytest.fixture
async def outside(mesh: Mesh) -> AsyncIterator[httpx.AsyncClient]:
    """A client on the internet: HTTPS, through the gateway."""
    async with mesh.outside() as client:
        yield client
