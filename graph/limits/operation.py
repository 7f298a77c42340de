"""Which operation of a document runs: the named one, or the only one."""

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode

from domain.errors import BadInput


def check_operation(document: DocumentNode, name: str | None) -> None:
    """Raises GraphQLError for several operations and no name (GraphQL, section 6.1): Strawberry would run the first."""
    if name is not None:
        return
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) > 1:
        raise GraphQLError(
            "The document has several operations: say which one by operationName.",
            operations,
            extensions={"code": BadInput.code},
        )
