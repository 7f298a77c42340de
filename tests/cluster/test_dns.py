"""The names of the Services, as a cluster's own DNS serves them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.asyncresolver
import dns.resolver
import pytest

from tests.cluster.kubectl import Kubectl
from tests.cluster.kubelet import Kubelet
from tests.cluster.mesh import NAMESPACE
from tests.cluster.minikube import Minikube
from tests.cluster.waiting import until
from tests.servers.coredns import CoreDNS

HEADLESS = f"_graphql._tcp.user-service-headless.{NAMESPACE}.svc.cluster.local"
API = (f"--namespace={NAMESPACE}", "--selector=app.kubernetes.io/component=api")


@pytest.fixture
def resolver(cluster_dns: CoreDNS) -> dns.asyncresolver.Resolver:
    """A resolver that asks the cluster's CoreDNS."""
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = cluster_dns.port
    resolver.lifetime = 5
    return resolver


async def test_srv_of_the_headless_service_names_the_ready_pods_and_follows_them(
    minikube: Minikube, resolver: dns.asyncresolver.Resolver
) -> None:
    kubectl = minikube.cluster.kubectl

    async def names(count: int) -> bool:
        return len(await _instances(resolver)) == count

    async with _scaled(kubectl, 3):
        await until(lambda: names(3), "three instances")
        pods = await kubectl.items("pods", *API)
        assert await _instances(resolver) == {(pod["status"]["podIP"], 8000) for pod in pods}

        await Kubelet(kubectl, iter(())).fail(pods[0])
        await until(lambda: names(2), "the pod that is not ready is gone")
        assert pods[0]["status"]["podIP"] not in {address for address, _ in await _instances(resolver)}
    await until(lambda: names(1), "one instance")


@asynccontextmanager
async def _scaled(kubectl: Kubectl, replicas: int) -> AsyncIterator[None]:
    """So many pods of the API until exit, then one again."""
    scale = ("scale", "deployment", "api", f"--namespace={NAMESPACE}")
    await kubectl(*scale, f"--replicas={replicas}")
    try:
        yield
    finally:
        await kubectl(*scale, "--replicas=1")


async def _instances(resolver: dns.asyncresolver.Resolver) -> set[tuple[str, int]]:
    """The addresses and ports behind the SRV record; none where a name is gone, if only since the last question."""
    try:
        return {
            (address.address, record.port)
            for record in await resolver.resolve(HEADLESS, "SRV")
            for address in await resolver.resolve(record.target, "A")
        }
    except dns.resolver.NXDOMAIN:
        return set()
