"""A selector that matches no pod makes a manifest that does nothing, and nothing says so."""

from collections.abc import Iterator, Sequence

from keytool.checks.document import Document, mapping
from keytool.checks.finding import Finding
from keytool.checks.workloads import WORKLOADS, selected

_SELECTORS = {
    "AuthorizationPolicy": ("spec", "selector", "matchLabels"),
    "PeerAuthentication": ("spec", "selector", "matchLabels"),
    "RequestAuthentication": ("spec", "selector", "matchLabels"),
    "Sidecar": ("spec", "workloadSelector", "labels"),
}


def selectors(documents: Sequence[Document]) -> Iterator[Finding]:
    for document in documents:
        path = _SELECTORS.get(document.kind)
        if path is not None and not selected(mapping(document.body, *path)):
            labels = ", ".join(f"{name}={value}" for name, value in WORKLOADS["api"].items())
            yield document.finding(path, "the selector matches no workload of deploy/", f"say, for the API, {labels}")
