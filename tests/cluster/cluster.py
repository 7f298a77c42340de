"""A cluster whose node is a name: etcd, the API server, the controllers and the definitions of Istio's resources."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kubectl import Kubectl
from tests.cluster.kubelet import NODE
from tests.servers.fixtures import own_server
from tests.servers.kubernetes import ApiServer, ControllerManager, EtcdServer
from tests.servers.tools import ISTIO


@dataclass(frozen=True)
class Cluster:
    """What there is to talk to."""

    api: ApiServer
    kubectl: Kubectl

    @property
    def kubeconfig(self) -> Path:
        return self.api.kubeconfig


@asynccontextmanager
async def cluster_in(folder: Path) -> AsyncIterator[Cluster]:
    """A new one, until exit; skips or fails the test where it cannot be had."""
    async with AsyncExitStack() as stack:
        # Stopped in the reverse order: without its etcd the API server would wait for it in vain.
        etcd = await stack.enter_async_context(own_server(EtcdServer, folder))
        api = await stack.enter_async_context(own_server(ApiServer, folder, etcd_url=etcd.url))
        kubectl = Kubectl(api.kubeconfig)
        await kubectl("apply", "--server-side", f"--filename={ISTIO.path('crds.yaml')}")
        await kubectl.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})
        await stack.enter_async_context(own_server(ControllerManager, folder, api=api))
        yield Cluster(api, kubectl)
