"""Rules for ServiceEntry and Sidecar: what pods may call is named, and what is named is there."""

from collections.abc import Iterator, Sequence

from keytool.checks.document import Document, objects, of_kind, text, texts
from keytool.checks.finding import Finding


def outside_hosts(documents: Sequence[Document]) -> Sequence[str]:
    """The hosts of all ServiceEntries."""
    return [host for document in of_kind(documents, "ServiceEntry") for host in texts(document.body, "spec", "hosts")]


def egress_is_named(documents: Sequence[Document]) -> Iterator[Finding]:
    """A Sidecar names hosts; those of its own namespace have a ServiceEntry."""
    known = outside_hosts(documents)
    for document in of_kind(documents, "Sidecar"):
        for path, egress in objects(document, "spec", "egress"):
            for place, name in enumerate(texts(egress, "hosts")):
                namespace, _, host = name.partition("/")
                where = (*path, "hosts", place)
                if namespace == "*":
                    yield document.finding(where, f"{name} opens every namespace", "name what is called")
                elif namespace in (".", document.namespace) and host != "*" and host not in known:
                    yield document.finding(where, f"no ServiceEntry has the host {host}", "say the same in both")


def egress_is_closed(documents: Sequence[Document]) -> Iterator[Finding]:
    """Without REGISTRY_ONLY a pod may call any address, whatever else is said."""
    for document in of_kind(documents, "Sidecar"):
        if text(document.body, "spec", "outboundTrafficPolicy", "mode") != "REGISTRY_ONLY":
            yield document.finding(
                ("spec", "outboundTrafficPolicy"), "calls to unknown hosts are let out", "say mode: REGISTRY_ONLY"
            )


def members_are_told_apart(documents: Sequence[Document]) -> Iterator[Finding]:
    """Plain TCP has no name in it: the proxy would send what is meant for one host to any of an entry's."""
    for document in of_kind(documents, "ServiceEntry"):
        if len(texts(document.body, "spec", "hosts")) > 1 and text(document.body, "spec", "resolution") == "DNS":
            for path, port in objects(document, "spec", "ports"):
                if text(port, "protocol") not in ("TLS", "HTTPS"):
                    yield document.finding(
                        (*path, "protocol"), "several hosts behind a port without TLS", "use TLS, or one entry a host"
                    )
