"""How many aliases a document may use: each can repeat a costly field."""

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)

from domain.errors import LimitExceeded


def alias_limit(limit: int) -> type[ValidationRule]:
    """A validation rule; an alias in a fragment counts as often as the fragment is used."""

    class AliasLimit(ValidationRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self._in_fragment: dict[str, int] = {}

        def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
            count = self._count(node.selection_set)
            if count > limit:
                self.report_error(
                    GraphQLError(
                        f"The operation has {count} aliases, at most {limit} are allowed.",
                        node,
                        extensions={"code": LimitExceeded.code},
                    )
                )

        def _count(self, selections: SelectionSetNode | None) -> int:
            return sum(map(self._count_of_selection, selections.selections)) if selections else 0

        def _count_of_selection(self, node: SelectionNode) -> int:
            match node:
                case FieldNode():
                    return (node.alias is not None) + self._count(node.selection_set)
                case FragmentSpreadNode():
                    return self._count_of_fragment(node.name.value)
                case _:
                    return self._count(getattr(node, "selection_set", None))

        def _count_of_fragment(self, name: str) -> int:
            """Counted once a fragment, or fragments that use each other would take for ever."""
            if name not in self._in_fragment:
                self._in_fragment[name] = 0  # what a fragment that uses itself counts; another rule refuses it
                fragment = self.context.get_fragment(name)
                self._in_fragment[name] = self._count(fragment.selection_set) if fragment else 0
            return self._in_fragment[name]

    return AliasLimit
