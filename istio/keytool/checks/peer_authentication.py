"""Rules for PeerAuthentication: mutual TLS everywhere, because the policies go by the names that it proves."""

from collections.abc import Iterator, Sequence

from keytool.checks.document import Document, at, mapping, of_kind, text
from keytool.checks.finding import Finding
from keytool.checks.workloads import NAMESPACE


def strict(documents: Sequence[Document]) -> Iterator[Finding]:
    """Every mode that is said is STRICT, by port too."""
    for document in of_kind(documents, "PeerAuthentication"):
        by_port = mapping(document.body, "spec", "portLevelMtls")
        said = [("mtls", at(document.body, "spec", "mtls")), *(("portLevelMtls", value) for value in by_port.values())]
        for member, value in said:
            mode = text(value, "mode")
            if mode not in ("", "STRICT"):
                yield document.finding(("spec", member), f"{member} {mode} takes plain text", "say STRICT")


def is_strict(documents: Sequence[Document]) -> bool:
    """Whether the whole namespace takes mutual TLS only."""
    return any(
        text(document.body, "spec", "mtls", "mode") == "STRICT"
        and not mapping(document.body, "spec", "selector")
        and document.namespace == NAMESPACE
        for document in of_kind(documents, "PeerAuthentication")
    )
