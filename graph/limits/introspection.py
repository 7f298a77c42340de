"""Whether a client may ask for the schema."""

from graphql import FieldNode, GraphQLError, ValidationRule

from domain.errors import Forbidden


class NoIntrospection(ValidationRule):
    """A rule that refuses `__schema`, `__type` and a subgraph's `_service`; `__typename` is every client's."""

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.name.value in {"__schema", "__type", "_service"}:
            self.report_error(
                GraphQLError(
                    "Introspection is switched off here: see graph/schema.graphql, or set INTROSPECTION.",
                    node,
                    extensions={"code": Forbidden.code},
                )
            )
