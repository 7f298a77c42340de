"""Rules for Gateway: the outside comes in by TLS, with a certificate, and to hosts that are ours."""

from collections.abc import Iterator, Sequence

from keytool.checks.document import Document, at, mapping, objects, of_kind, text, texts
from keytool.checks.finding import Finding


def encrypted(documents: Sequence[Document]) -> Iterator[Finding]:
    """A token that was sent in plain text is everybody's."""
    for document in of_kind(documents, "Gateway"):
        for path, server in objects(document, "spec", "servers"):
            tls = mapping(server, "tls")
            if text(server, "port", "protocol") == "HTTPS":
                if "credentialName" not in tls and "credentialNames" not in tls:
                    yield document.finding(path, "HTTPS without a certificate", "name its Secret: tls.credentialName")
            elif at(tls, "httpsRedirect") is not True:
                yield document.finding(path, "takes tokens in plain text", "set tls.httpsRedirect, or use HTTPS")


def named_hosts(documents: Sequence[Document]) -> Iterator[Finding]:
    for document in of_kind(documents, "Gateway"):
        for path, server in objects(document, "spec", "servers"):
            for place, host in enumerate(texts(server, "hosts")):
                if host.rpartition("/")[2] == "*":
                    yield document.finding((*path, "hosts", place), "takes every host", "name the service's own")
