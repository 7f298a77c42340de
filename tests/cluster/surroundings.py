"""What a cluster has that this project does not ship: Istio's ingress gateway, its certificate, and a Prometheus."""

import base64
from typing import Any

from tests.cluster.certificate import Certificate

SYSTEM = "istio-system"
HTTPS_PORT = 8443
HTTP_PORT = 8080
_GATEWAY = "istio-ingressgateway"
_LABELS = {"app": _GATEWAY, "istio": "ingressgateway"}


def objects(certificate: Certificate) -> list[dict[str, Any]]:
    """All of it; the gateway's pod runs once somebody says so."""
    return [
        _object("v1", "Namespace", SYSTEM),
        _object("v1", "Namespace", "monitoring"),
        _object("v1", "ServiceAccount", "prometheus", "monitoring"),
        _object("v1", "ServiceAccount", _GATEWAY, SYSTEM),
        *_gateway(),
        *_may_read_certificates(),
        _object(
            "v1",
            "Secret",
            "user-service-tls",
            SYSTEM,
            type="kubernetes.io/tls",
            data={"tls.crt": _base64(certificate.pem), "tls.key": _base64(certificate.key_pem)},
        ),
    ]


def _gateway() -> list[dict[str, Any]]:
    ports = [("http2", 80, HTTP_PORT), ("https", 443, HTTPS_PORT)]
    return [
        _object(
            "v1",
            "Service",
            _GATEWAY,
            SYSTEM,
            spec={
                "selector": _LABELS,
                "ports": [{"name": name, "port": port, "targetPort": target} for name, port, target in ports],
            },
        ),
        _object(
            "v1",
            "Pod",
            _GATEWAY,
            SYSTEM,
            labels=_LABELS,
            spec={"serviceAccountName": _GATEWAY, "containers": [{"name": "istio-proxy", "image": "proxyv2"}]},
        ),
    ]


def _may_read_certificates() -> list[dict[str, Any]]:
    """istiod hands a gateway only the Secrets that the gateway could read itself."""
    group = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "watch", "list"]}]
    return [
        _object(f"{group}/v1", "Role", _GATEWAY, SYSTEM, rules=rules),
        _object(
            f"{group}/v1",
            "RoleBinding",
            _GATEWAY,
            SYSTEM,
            roleRef={"apiGroup": group, "kind": "Role", "name": _GATEWAY},
            subjects=[{"kind": "ServiceAccount", "name": _GATEWAY, "namespace": SYSTEM}],
        ),
    ]


def _object(
    version: str, kind: str, name: str, namespace: str = "", labels: dict[str, str] | None = None, **rest: Any
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
