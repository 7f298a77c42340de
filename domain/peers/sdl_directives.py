"""Directives that a peer's own SDL may carry and that mean nothing here: those of Apollo Federation."""

from typing import Any

from graphql import REMOVE, DirectiveNode, DocumentNode, Visitor, visit

FEDERATION = frozenset(
    {
        "authenticated",
        "composeDirective",
        "cost",
        "external",
        "inaccessible",
        "key",
        "link",
        "listSize",
        "override",
        "policy",
        "provides",
        "requires",
        "requiresScopes",
        "shareable",
        "tag",
    }
)
"""By https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives."""


class _Remover(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        return REMOVE if node.name.value in FEDERATION else None


def without_federation(document: DocumentNode) -> DocumentNode:
    """The document without those directives."""
    cleaned: DocumentNode = visit(document, _Remover())
    return cleaned
