"""Documents, parsed and validated once: both cost ten times what running a small query does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from graphql import ASTValidationRule, DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from graph.context import Context
from graph.limits.length import check_length
from graph.limits.operation import check_operation
from graph.limits.variables import Uses, check_variables, variable_uses


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document, what is wrong with it, and how often it uses its variables."""

    document: DocumentNode
    errors: Sequence[GraphQLError]
    uses: Uses


class Documents:
    """The `kept` documents used last, by their text alone: Strawberry's caches hash the whole tree at every request."""

    def __init__(self, rules: Sequence[type[ASTValidationRule]], *, max_tokens: int, kept: int = 256) -> None:
        self._rules = (*specified_rules, *rules)
        self._max_tokens = max_tokens
        self.prepare = lru_cache(maxsize=kept)(self._prepare)

    def _prepare(self, schema: GraphQLSchema, text: str) -> Prepared:
        """Raises GraphQLError (syntax), LimitExceeded."""
        check_length(text)
        document = parse(text, max_tokens=self._max_tokens)
        errors = validate_document(schema, document, self._rules)
        return Prepared(document, errors, Uses() if errors else variable_uses(document))


class PreparedDocuments(SchemaExtension):
    """Gives Strawberry the document and its errors, and tells the context what kind of operation runs."""

    def __init__(self, documents: Documents, schema: GraphQLSchema, *, max_variable_values: int) -> None:
        self._documents = documents
        self._schema = schema
        self._max_variable_values = max_variable_values
        self._uses = Uses()

    def on_parse(self) -> Iterator[None]:
        execution = self.execution_context
        prepared = self._documents.prepare(self._schema, execution.query or "")
        execution.graphql_document = prepared.document
        execution.pre_execution_errors = list(prepared.errors)
        self._uses = prepared.uses
        yield

    def on_execute(self) -> Iterator[None]:
        context: Context = self.execution_context.context
        if self.execution_context.graphql_document is not None:
            check_operation(self.execution_context.graphql_document, context.operation_name)
        context.operation = self.execution_context.operation_type.value
        check_variables(self.execution_context.variables, self._uses, self._max_variable_values)
        yield
