"""istiod: it compiles Istio's manifests for proxies, and signs their certificates."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from tests.servers.golang import GoServer
from tests.servers.health import answers
from tests.servers.ports import free_port
from tests.servers.tools import ISTIO

_MESH: dict[str, object] = {
    "rootNamespace": "istio-system",
    "defaultProviders": {},  # the default, Prometheus, is one of the filters that a plain Envoy has not
    "enablePrometheusMerge": False,
    "enableTracing": False,
    "ingressControllerMode": "OFF",
    "enableAutoMtls": True,
}
_ISTIOD = {
    "POD_NAME": "istiod-0",
    "POD_NAMESPACE": "istio-system",
    "CLUSTER_ID": "Kubernetes",
    "ISTIOD_CUSTOM_HOST": "localhost",
    "JWT_POLICY": "third-party-jwt",
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_GATEWAY_API": "false",
}


class Istiod(GoServer):
    """The control plane of one mesh, on the cluster of that kubeconfig."""

    name = "pilot-discovery"
    version = ISTIO.version
    tool = ISTIO

    def __init__(self, data_dir: Path, port: int | None = None, *, kubeconfig: Path) -> None:
        super().__init__(data_dir, port)
        self._kubeconfig = kubeconfig
        self.proxies_port = free_port()
        self.webhook_port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _prepare(self) -> None:
        (self.data_dir / "mesh.yaml").write_text(json.dumps(_MESH))

    def _environment(self) -> dict[str, str]:
        return os.environ | _ISTIOD

    def _command(self) -> Sequence[str]:
        return [
            self._program(),
            "discovery",
            *("--kubeconfig", str(self._kubeconfig)),
            *("--meshConfig", str(self.data_dir / "mesh.yaml")),
            *("--httpAddr", f"127.0.0.1:{self.port}"),
            *("--secureGRPCAddr", f"127.0.0.1:{self.proxies_port}"),
            *("--httpsAddr", f"127.0.0.1:{self.webhook_port}"),
            *("--monitoringAddr", f"127.0.0.1:{free_port()}"),
            *("--grpcAddr", ""),
            *("--ctrlz_port", "0"),
        ]

    async def _answers(self) -> bool:
        return await answers(f"{self.url}/ready")
