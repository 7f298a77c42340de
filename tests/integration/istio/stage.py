"""The shipped manifests with the attack table's keys, and an Envoy that enforces them as the API's sidecar."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from keytool.checks.document import Document
from keytool.checks.jwks import PLACEHOLDER
from keytool.checks.reading import read
from tests.fixtures.attacks import JWKS
from tests.fixtures.issuer import ISSUER
from tests.integration.istio.bootstrap import bootstrap, everything, listener, mutual_tls
from tests.integration.istio.certificates import Authority
from tests.integration.istio.envoy import running
from tests.integration.istio.translation import http_filters, requires_client_certificate
from tests.servers.ports import free_port

MANIFESTS = Path(__file__).parents[3] / "istio"
PORTS = {"api": "8000", "relay": "9000", "indexer": "9000"}


def manifests() -> Sequence[Document]:
    """All of istio/, with the table's issuer and keys filled in."""
    files = sorted(MANIFESTS.glob("*.yaml"))
    return [document for file in files for document in read(file.name, _filled(file.read_text()))[0]]


def _filled(text: str) -> str:
    return text.replace(f"jwks: {PLACEHOLDER}", f"jwks: '{JWKS}'").replace(
        "issuer: https://issuer.example.com", f"issuer: {ISSUER}"
    )


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Where it listens, and the TLS of callers by namespace and service account."""

    port: int
    authority: Authority
    folder: Path

    def caller(self, namespace: str, service_account: str) -> ssl.SSLContext:
        return self.authority.client(self.authority.issue(namespace, service_account), self.folder)


@asynccontextmanager
async def sidecar(
    folder: Path, upstream: int, workload: str = "api", documents: Sequence[Document] | None = None
) -> AsyncIterator[Sidecar]:
    """The sidecar of that workload, in front of that port of loopback."""
    documents = manifests() if documents is None else documents
    assert requires_client_certificate(documents), "PeerAuthentication no longer says STRICT"
    port, authority = free_port(), Authority()
    filters = http_filters(documents, workload, {PORTS[workload]: port})
    tls = mutual_tls(authority.root, authority.issue("user-service", workload))
    async with running(folder, bootstrap(listener(port, filters, everything(), tls), upstream, free_port())):
        yield Sidecar(port, authority, folder)
