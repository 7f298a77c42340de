"""Every manifest has the kind, the place and the fields that its API knows, and is there once."""

from collections.abc import Iterator, Mapping, Sequence

from keytool.checks.document import Document, at, text
from keytool.checks.finding import Finding
from keytool.checks.known_fields import API_VERSIONS, METADATA, SPECS
from keytool.checks.shape import Shape, mismatches
from keytool.checks.workloads import NAMESPACE

_TOP_LEVEL: Mapping[str, Shape] = {"apiVersion!": frozenset(), "kind!": frozenset(), "metadata!": METADATA, "spec!": {}}


def unknown_fields(documents: Sequence[Document]) -> Iterator[Finding]:
    """Fields that are unknown, missing, or hold something else than they may; Istio skips the unknown in silence."""
    for document in documents:
        shape = SPECS.get(document.kind)
        if shape is None:
            continue
        version = frozenset({API_VERSIONS[document.kind]})
        top = {**_TOP_LEVEL, "apiVersion!": version, "kind!": frozenset({document.kind}), "spec!": shape}
        for path, what, remedy in mismatches(document.body, top, ()):
            yield document.finding(path, what, remedy)


def unknown_kinds(documents: Sequence[Document]) -> Iterator[Finding]:
    """Kinds that are not Istio's. Those of Kubernetes itself may stand beside them; kubectl checks those."""
    for document in documents:
        group = text(document.body, "apiVersion").rpartition("/")[0]
        if document.kind in SPECS or (document.kind and not group.endswith("istio.io")):
            continue
        known = ", ".join(sorted(SPECS))
        yield document.finding(("kind",), f"kind {document.kind or 'is missing'} is not known here", f"use {known}")


def misplaced(documents: Sequence[Document]) -> Iterator[Finding]:
    """A policy in another namespace than the pods applies to nothing, and says so nowhere."""
    for document in documents:
        if document.kind in SPECS and document.namespace not in ("", NAMESPACE):
            yield document.finding(
                ("metadata", "namespace"),
                f"is in namespace {document.namespace}, where none of the pods are",
                f"put it into {NAMESPACE}",
            )


def doubled(documents: Sequence[Document]) -> Iterator[Finding]:
    """Of two with one name the last one applied wins."""
    seen: dict[tuple[object, ...], Document] = {}
    for document in documents:
        identity = (at(document.body, "apiVersion"), document.kind, document.namespace, document.name)
        first = seen.setdefault(identity, document)
        if first is not document and document.name:
            place = f"{first.file}:{first.line(())}"
            yield document.finding(("metadata", "name"), f"is also in {place}", "remove or rename one of the two")
