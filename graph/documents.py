"""Documents, parsed and validated once: both cost ten times what running a small query does."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from graphql import ASTValidationRule, DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from graph.context import Context
from graph.limits.length import check_length
from graph.limits.operation import check_operation

Prepared = tuple[DocumentNode, Sequence[GraphQLError]]


class Documents:
    """The `kept` documents used last, by their text alone: Strawberry's caches hash the whole tree at every request."""

    def __init__(self, rules: Sequence[type[ASTValidationRule]], *, max_tokens: int, kept: int = 256) -> None:
        self._rules = (*specified_rules, *rules)
        self._max_tokens = max_tokens
        self.prepare = lru_cache(maxsize=kept)(self._prepare)

    def _prepare(self, schema: GraphQLSchema, text: str) -> Prepared:
        """A document and what is wrong with it. Raises GraphQLError (syntax), LimitExceeded."""
        check_length(text)
        document = parse(text, max_tokens=self._max_tokens)
        return document, validate_document(schema, document, self._rules)


class PreparedDocuments(SchemaExtension):
    """Gives Strawberry the document and its errors, and tells the context what kind of operation runs."""

    def __init__(self, documents: Documents, schema: GraphQLSchema) -> None:
        self._documents = documents
        self._schema = schema

    def on_parse(self) -> Iterator[None]:
        execution = self.execution_context
        document, errors = self._documents.prepare(self._schema, execution.query or "")
        execution.graphql_document = document
        execution.pre_execution_errors = list(errors)
        yield

    def on_execute(self) -> Iterator[None]:
        context: Context = self.execution_context.context
        if self.execution_context.graphql_document is not None:
            check_operation(self.execution_context.graphql_document, context.operation_name)
        context.operation = self.execution_context.operation_type.value
        yield
