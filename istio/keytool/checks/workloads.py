"""What deploy/ makes, as far as the manifests have to agree with it: edit here what is renamed there."""

from collections.abc import Mapping, Sequence

NAMESPACE = "user-service"
NAME_LABEL = "app.kubernetes.io/name"
COMPONENT_LABEL = "app.kubernetes.io/component"

WORKLOADS: Mapping[str, Mapping[str, str]] = {
    component: {NAME_LABEL: "user-service", COMPONENT_LABEL: component} for component in ("api", "relay", "indexer")
}
"""The labels of the pods, by Deployment."""

CONTAINER_PORTS = frozenset({"8000", "9000"})
GRAPHQL_PATH = "/graphql"

SERVICE_PORTS: Mapping[str, int] = {"user-service": 80, "user-service-headless": 8000}

HOSTS: Mapping[str, int] = {f"{name}.{NAMESPACE}.svc.cluster.local": port for name, port in SERVICE_PORTS.items()}
"""The Services by their full name, and the port of each."""

KEY_COMMAND = "python istio/generate_keys_and_token.py --apply-to istio/request-auth.yaml"


def selected(labels: Mapping[str, object]) -> Sequence[str]:
    """The workloads that a selector with these labels matches; all of them for none."""
    return [name for name, own in WORKLOADS.items() if all(own.get(label) == value for label, value in labels.items())]
