"""The project's manifests in force: the production overlay and istio/ on a real control plane, with real proxies."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx

from tests.cluster import network, surroundings
from tests.cluster.certificate import Certificate
from tests.cluster.cluster import Cluster
from tests.cluster.kubelet import Kubelet
from tests.cluster.manifests import OVERLAYS, Manifests
from tests.cluster.waiting import until
from tests.cluster.workloads import credentials, run_first
from tests.servers.fixtures import own_server
from tests.servers.istiod import Istiod
from tests.servers.pilot_agent import MeshIdentity, MeshProxy, Workload

NAMESPACE = "user-service"
HOST = "users.example.com"
_COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True)
class Mesh:
    """Where everything is, and clients of it."""

    API_PORT: ClassVar[int] = 8000
    RELAY_PORT: ClassVar[int] = 9000

    cluster: Cluster
    istiod: Istiod
    gateway: str
    api: str
    relay: str
    certificate: Certificate
    folder: Path

    def outside(self) -> httpx.AsyncClient:
        """A client on the internet, which knows the gateway by its name."""
        return httpx.AsyncClient(
            base_url=f"https://{self.gateway}:{surroundings.HTTPS_PORT}",
            headers={"Host": HOST},
            verify=self.trusting(),
            trust_env=False,
            event_hooks={"request": [_named]},
        )

    def trusting(self) -> ssl.SSLContext:
        """The TLS of a client on the internet."""
        return ssl.create_default_context(cafile=str(self.certificate.path))

    async def trust(self, manifests: Manifests) -> None:
        """Let those keys be the ones that count, in the mesh and for the service, and wait until they do."""
        await self.cluster.kubectl("apply", "-f", str(manifests.published_keys))
        await self.trust_issuer(manifests.request_auth.read_text(), manifests.token)

    async def trust_issuer(self, request_auth: str, token: str) -> None:
        """Apply a request-auth.yaml, and wait until a token of its keys gets past it."""
        await self.cluster.kubectl("apply", "-f", "-", stdin=request_auth)
        headers = {"Authorization": f"Bearer {token}"}
        async with self.outside() as client:

            async def past() -> bool:
                return (await client.get("/graphql", headers=headers)).status_code not in (401, 403)

            await until(past, "the keys in force")

    @asynccontextmanager
    async def inside(self, namespace: str, service_account: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client in the mesh: mutual TLS with the certificate of that service account."""
        async with (
            own_server(
                MeshIdentity,
                self.folder / f"{namespace}-{service_account}",
                istiod=self.istiod,
                workload=Workload(f"{service_account}-0", namespace, service_account, self.gateway),
                credentials=await credentials(self.cluster, namespace, service_account),
            ) as identity,
            httpx.AsyncClient(verify=_mutual(identity.certificates), trust_env=False) as client,
        ):
            yield client


async def _named(request: httpx.Request) -> None:
    request.extensions = {**request.extensions, "sni_hostname": HOST}


def _mutual(certificates: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates / "root-cert.pem"))
    context.check_hostname = False  # a workload's certificate has a SPIFFE id, not a host name
    context.load_cert_chain(certificates / "cert-chain.pem", certificates / "key.pem")
    return context


@asynccontextmanager
async def mesh_on(cluster: Cluster, manifests: Manifests, folder: Path) -> AsyncIterator[Mesh]:
    """On a cluster without anything in it, until exit."""
    kubectl, certificate = cluster.kubectl, Certificate.made(folder / "gateway", HOST)
    await kubectl("apply", "--server-side", "-k", str(OVERLAYS / "production"))
    await kubectl.apply(*surroundings.objects(certificate))
    kubelet = Kubelet(kubectl, network.addresses())
    gateway = await run_first(cluster, kubelet, surroundings.SYSTEM, "istio=ingressgateway")
    api = await run_first(cluster, kubelet, NAMESPACE, f"{_COMPONENT}=api")
    relay = await run_first(cluster, kubelet, NAMESPACE, f"{_COMPONENT}=relay")
    async with AsyncExitStack() as stack:
        istiod = await stack.enter_async_context(own_server(Istiod, folder, kubeconfig=cluster.kubeconfig))
        await kubectl("apply", "-f", str(manifests.istio), "-f", str(manifests.published_keys))
        await kubectl.apply(*_listening(manifests, api, relay))
        for workload in (gateway, api, relay):
            proxy = own_server(
                MeshProxy,
                folder / workload.pod,
                role="router" if workload is gateway else "sidecar",
                istiod=istiod,
                workload=workload,
                credentials=await credentials(cluster, workload.namespace, workload.service_account),
            )
            await stack.enter_async_context(proxy)
        mesh = Mesh(cluster, istiod, gateway.address, api.address, relay.address, certificate, folder)
        await _in_force(mesh)
        yield mesh


def _listening(manifests: Manifests, api: Workload, relay: Workload) -> list[dict[str, Any]]:
    """The project's own Sidecars, each with the listener that takes the place of a pod's redirected traffic."""
    listeners = {"api": (api.address, Mesh.API_PORT, "graphql"), "relay": (relay.address, Mesh.RELAY_PORT, "health")}
    sidecars = {document["metadata"]["name"]: document for document in manifests.documents("sidecar.yaml")}
    for name, (address, port, port_name) in listeners.items():
        listener = {"number": port, "protocol": "HTTP", "name": port_name}
        ingress = {"port": listener, "bind": address, "defaultEndpoint": f"127.0.0.1:{port}"}
        sidecars[name]["spec"]["ingress"] = [ingress]
    return [sidecars[name] for name in listeners]


async def _in_force(mesh: Mesh) -> None:
    """Wait until a request without a token is refused beside the API: then all proxies have their configuration."""
    async with mesh.outside() as client:

        async def refused() -> bool:
            try:
                return (await client.get("/graphql")).status_code == 403
            except httpx.TransportError:
                return False

        await until(refused, "the manifests in force")
