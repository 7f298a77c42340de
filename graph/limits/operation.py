"""Which operation of a document runs: the named one, or the only one."""

from collections.abc import Iterator

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension

from domain.errors import BadInput
from graph.context import Context


class OneOperation(SchemaExtension):
    """Raises for a document with several operations and no name (GraphQL, section 6.1), where Strawberry runs the
    first. Tells the context what kind of operation it is.
    """

    def on_execute(self) -> Iterator[None]:
        execution = self.execution_context
        context: Context = execution.context
        document = execution.graphql_document
        if document is not None and context.operation_name is None:
            operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
            if len(operations) > 1:
                raise GraphQLError(
                    "The document has several operations: say which one by operationName.",
                    operations,
                    extensions={"code": BadInput.code},
                )
        context.operation = execution.operation_type.value
        yield
