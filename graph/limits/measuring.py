"""A number for each operation, made of its fields and of the fragments that it uses; and the most it may be."""

from collections.abc import Callable, Iterable

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

OfField = Callable[[FieldNode, int], int]
"""A field and the number of what is selected below it, into the field's own number."""


def limit_on(
    of_field: OfField, together: Callable[[Iterable[int]], int], *, most: int, message: str
) -> type[ValidationRule]:
    """A validation rule. `together` makes one number of those of a selection; `message` says `{found}` and `{most}`."""

    class Limit(ValidationRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self._of_fragment: dict[str, int] = {}

        def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
            found = self._of(node.selection_set)
            if found > most:
                text = message.format(found=found, most=most)
                self.report_error(GraphQLError(text, node, extensions={"code": LimitExceeded.code}))

        def _of(self, selections: SelectionSetNode | None) -> int:
            return together(map(self._of_selection, selections.selections)) if selections else 0

        def _of_selection(self, node: SelectionNode) -> int:
            match node:
                case FieldNode():
                    return of_field(node, self._of(node.selection_set))
                case FragmentSpreadNode():
                    return self._of_spread(node.name.value)
                case _:
                    return self._of(getattr(node, "selection_set", None))

        def _of_spread(self, name: str) -> int:
            """Found once a fragment, or fragments that use each other would take for ever."""
            if name not in self._of_fragment:
                self._of_fragment[name] = 0  # what a fragment that uses itself counts; another rule refuses it
                fragment = self.context.get_fragment(name)
                self._of_fragment[name] = self._of(fragment.selection_set) if fragment else 0
            return self._of_fragment[name]

    return Limit
