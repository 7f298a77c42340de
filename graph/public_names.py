"""The schema as front ends see it: without what only routers of a federated graph ask for."""

from typing import Any

from graphql import (
    REMOVE,
    GraphQLOneOfDirective,
    Node,
    SchemaDefinitionNode,
    Visitor,
    build_ast_schema,
    parse,
    print_schema,
    visit,
)
from graphql.utilities.print_schema import print_directive

from domain.peers.sdl_directives import without_federation

_OF_ROUTERS = frozenset({"_Any", "_Entity", "_Service", "_entities", "_service"})


class _Remover(Visitor):
    def enter(self, node: Node, *_: Any) -> Any:
        name = getattr(getattr(node, "name", None), "value", None)
        return REMOVE if isinstance(node, SchemaDefinitionNode) or name in _OF_ROUTERS else None


def public_names(sdl: str) -> str:
    """The names of `sdl` that a front end may use, in GraphQL's own language, with descriptions.

    Older tools do not know `@oneOf`, so it is defined, too.
    """
    schema = build_ast_schema(visit(without_federation(parse(sdl)), _Remover()))
    return f"{print_directive(GraphQLOneOfDirective)}\n\n{print_schema(schema)}"
