"""Rules for DestinationRule: it is about a host that is there, and leaves mutual TLS on."""

from collections.abc import Iterator, Sequence

from keytool.checks.document import Document, of_kind, text
from keytool.checks.finding import Finding
from keytool.checks.service_entry import outside_hosts
from keytool.checks.workloads import HOSTS


def known_hosts(documents: Sequence[Document]) -> Iterator[Finding]:
    """A short name means another Service in another namespace, so names are whole."""
    known = [*HOSTS, *outside_hosts(documents)]
    for document in of_kind(documents, "DestinationRule"):
        host = text(document.body, "spec", "host")
        if host and host not in known:
            yield document.finding(("spec", "host"), f"there is no host {host}", f"use {', '.join(HOSTS)}")


def mutual_tls(documents: Sequence[Document]) -> Iterator[Finding]:
    for document in of_kind(documents, "DestinationRule"):
        mode = text(document.body, "spec", "trafficPolicy", "tls", "mode")
        if text(document.body, "spec", "host") in HOSTS and mode not in ("", "ISTIO_MUTUAL"):
            yield document.finding(
                ("spec", "trafficPolicy", "tls", "mode"),
                f"tls mode {mode}: a STRICT service refuses such callers",
                "remove it, or say ISTIO_MUTUAL",
            )
