"""The control plane of Kubernetes: etcd, the API server and the controllers; there is no node, so nothing is ever run.

What a kubelet would report of a pod, a test has to say itself.
"""

import json
import secrets
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.servers.golang import GoServer
from tests.servers.health import answers
from tests.servers.ports import free_port
from tests.servers.tools import KUBERNETES

_SERVICES = "10.96.0.0/16"
_ISSUER = "https://kubernetes.default.svc"
_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "job-controller",
    "endpointslice-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
)


class EtcdServer(GoServer):
    """The API server's store."""

    name = "etcd"
    version = KUBERNETES.version
    tool = KUBERNETES

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _prepare(self) -> None:
        pass

    def _command(self) -> Sequence[str]:
        return [
            self._program(),
            *("--data-dir", str(self.data_dir / "data")),
            *("--listen-client-urls", self.url),
            *("--advertise-client-urls", self.url),
            *("--listen-peer-urls", f"http://127.0.0.1:{free_port()}"),
            *("--log-level", "warn"),
            "--unsafe-no-fsync",  # nothing here outlives the tests
        ]

    async def _answers(self) -> bool:
        return await answers(f"{self.url}/health")


class ApiServer(GoServer):
    """The API of one cluster, with an administrator's kubeconfig."""

    name = "kube-apiserver"
    version = KUBERNETES.version
    tool = KUBERNETES

    def __init__(self, data_dir: Path, port: int | None = None, *, etcd_url: str) -> None:
        super().__init__(data_dir, port)
        self._etcd_url = etcd_url
        self.token = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        return self.data_dir / "kubeconfig"

    @property
    def certificate(self) -> Path:
        """What the server says who it is with; it makes it itself at its first start."""
        return self.data_dir / "certs" / "apiserver.crt"

    @property
    def signing_key(self) -> Path:
        """What it signs the tokens of service accounts with."""
        return self.data_dir / "service-accounts.pem"

    async def _prepare(self) -> None:
        if not self.signing_key.exists():
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            none = serialization.NoEncryption()
            pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none)
            self.signing_key.write_bytes(pem)
        (self.data_dir / "tokens.csv").write_text(f"{self.token},admin,1,system:masters\n")
        self.kubeconfig.write_text(json.dumps(self._kubeconfig()))

    def _kubeconfig(self) -> dict[str, object]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "tests", "cluster": {"server": self.url, "certificate-authority": str(self.certificate)}}
            ],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
            "current-context": "tests",
        }

    def _command(self) -> Sequence[str]:
        return [
            self._program(),
            f"--etcd-servers={self._etcd_url}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",  # an EndpointSlice for the API itself may not name loopback
            f"--secure-port={self.port}",
            f"--cert-dir={self.certificate.parent}",
            f"--service-account-issuer={_ISSUER}",
            f"--service-account-key-file={self.signing_key}",
            f"--service-account-signing-key-file={self.signing_key}",
            f"--api-audiences={_ISSUER},istio-ca",
            f"--token-auth-file={self.data_dir / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-cluster-ip-range={_SERVICES}",
        ]

    async def _answers(self) -> bool:
        if not self.certificate.exists():
            return False
        trusted = ssl.create_default_context(cafile=str(self.certificate))
        return await answers(f"{self.url}/readyz", trusted)


class ControllerManager(GoServer):
    """What makes pods of Deployments, EndpointSlices of Services and pods, and service accounts of namespaces."""

    name = "kube-controller-manager"
    version = KUBERNETES.version
    tool = KUBERNETES

    def __init__(self, data_dir: Path, port: int | None = None, *, api: ApiServer) -> None:
        super().__init__(data_dir, port)
        self._api = api

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    async def _prepare(self) -> None:
        pass

    def _command(self) -> Sequence[str]:
        return [
            self._program(),
            f"--kubeconfig={self._api.kubeconfig}",
            f"--service-account-private-key-file={self._api.signing_key}",
            f"--root-ca-file={self._api.certificate}",
            f"--controllers={','.join(_CONTROLLERS)}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.data_dir / 'certs'}",
        ]

    async def _answers(self) -> bool:
        unverified = ssl.create_default_context()  # its certificate is of no interest: nobody else talks to it
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE
        return await answers(f"{self.url}/healthz", unverified)
