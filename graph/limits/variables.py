"""How much variables may hold: every use of one turns its values into inputs before any resolver checks a right."""

from collections import Counter
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)

from domain.errors import LimitExceeded

Uses = Counter[str]
"""How often an operation uses each variable; those of a fragment count as often as the fragment is used."""


def variable_uses(document: DocumentNode) -> Uses:
    """Of the operation that uses each variable most. The document must be valid: fragments do not use themselves."""
    return _Uses(document).of_document()


def check_variables(variables: Mapping[str, Any] | None, uses: Uses, most: int) -> None:
    """Raises LimitExceeded if the values in variables, each use counted, are more than `most`."""
    found = 0
    for name, value in (variables or {}).items():
        found += _values(value, most) * max(1, uses[name])
        if found > most:
            raise LimitExceeded(
                f"The variables hold more than {most} values, each use of a variable counted: send less at once."
            )


def _values(value: Any, most: int) -> int:
    """How many JSON values there are in `value`, itself included; counting ends above `most`."""
    count, left = 0, [value]
    while left and count <= most:
        item = left.pop()
        count += 1
        if isinstance(item, dict):
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
    return count


class _Uses:
    def __init__(self, document: DocumentNode) -> None:
        self._operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._of_fragment: dict[str, Uses] = {}

    def of_document(self) -> Uses:
        return reduce(or_, (self._of(operation.selection_set) for operation in self._operations), Counter())

    def _of(self, node: Node) -> Uses:
        found: Uses = Counter()
        of_spread = self._of_spread

        class Finder(Visitor):
            def enter_variable(self, node: VariableNode, *_: object) -> None:
                found[node.name.value] += 1

            def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
                found.update(of_spread(node.name.value))

        visit(node, Finder())
        return found

    def _of_spread(self, name: str) -> Uses:
        if name not in self._of_fragment:
            self._of_fragment[name] = self._of(self._fragments[name].selection_set)
        return self._of_fragment[name]
