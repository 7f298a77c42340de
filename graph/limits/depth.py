"""How deep the fields of an operation may be nested."""

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


def depth_limit(limit: int) -> type[ValidationRule]:
    """A validation rule; introspection has a depth limit of its own in the specified rules."""

    class DepthLimit(ValidationRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self._of_fragment: dict[str, int] = {}

        def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
            depth = self._depth(node.selection_set)
            if depth > limit:
                self.report_error(
                    GraphQLError(
                        f"The operation is nested {depth} fields deep, at most {limit} are allowed.",
                        node,
                        extensions={"code": LimitExceeded.code},
                    )
                )

        def _depth(self, selections: SelectionSetNode | None) -> int:
            return max(map(self._depth_of_selection, selections.selections), default=0) if selections else 0

        def _depth_of_selection(self, node: SelectionNode) -> int:
            match node:
                case FieldNode():
                    return 0 if node.name.value.startswith("__") else 1 + self._depth(node.selection_set)
                case FragmentSpreadNode():
                    return self._depth_of_fragment(node.name.value)
                case _:
                    return self._depth(getattr(node, "selection_set", None))

        def _depth_of_fragment(self, name: str) -> int:
            """Counted once a fragment, or fragments that use each other would take for ever."""
            if name not in self._of_fragment:
                self._of_fragment[name] = 0  # what a fragment that uses itself counts; another rule refuses it
                fragment = self.context.get_fragment(name)
                self._of_fragment[name] = self._depth(fragment.selection_set) if fragment else 0
            return self._of_fragment[name]

    return DepthLimit
