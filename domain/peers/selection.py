"""What a client selected below one field of a peer, as text that can be sent to that peer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    NameNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

_NONE = object()
_TYPENAME = FieldNode(name=NameNode(value="__typename"), arguments=(), directives=())


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """`field` without its alias, with defaults filled in and `__typename` in every selection; the fragments that it
    uses, by name; its variables, by name: their types and their values (JSON, defaults included).

    Every variable is called `v_<name>`, so that none is like one of ours.
    """

    field: str
    fragments: Mapping[str, str]
    variable_types: Mapping[str, str]
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """What the selections of one request share."""

    schema: GraphQLSchema
    definition: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]


def select(nodes: Sequence[FieldNode], operation: Operation, *, parent: str) -> Selection:
    """The selection of one field of type `parent` that the client may have written several times (`nodes`), merged."""
    type = operation.schema.get_type(parent)
    field = _prepared(_merged(nodes), TypeInfo(operation.schema, initial_type=type))
    fragments = {name: _fragment(name, operation) for name in _used_fragments(field, operation.fragments)}
    used = dict.fromkeys(name for node in (field, *fragments.values()) for name in _variables(node))
    definitions = {node.variable.name.value: node for node in operation.definition.variable_definitions or ()}
    return Selection(
        field=print_ast(field),
        fragments={name: print_ast(node) for name, node in fragments.items()},
        variable_types={name: print_ast(_defined(name, definitions).type) for name in used},
        variables={
            name: operation.variables[_original(name)] for name in used if _original(name) in operation.variables
        },
    )


def _merged(nodes: Sequence[FieldNode]) -> FieldNode:
    """Nodes of one response key have the same arguments (GraphQL, 5.3.2), and their selections are put together."""
    first = nodes[0]
    parts = [part for node in nodes if node.selection_set for part in node.selection_set.selections]
    selections = SelectionSetNode(selections=tuple(parts)) if parts else None
    return FieldNode(name=first.name, arguments=first.arguments, directives=(), selection_set=selections)


class _Preparer(Visitor):
    """Fills in defaults, so that what our schema promises holds; asks for `__typename`; renames variables."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types

    def leave_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        field = self._types.get_field_def()
        given = {argument.name.value for argument in node.arguments or ()}
        missing = [
            ArgumentNode(name=NameNode(value=name), value=argument.ast_node.default_value)
            for name, argument in (field.args if field else {}).items()
            if name not in given and argument.ast_node is not None and argument.ast_node.default_value is not None
        ]
        return _changed(node, arguments=(*(node.arguments or ()), *missing)) if missing else None

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> SelectionSetNode:
        return SelectionSetNode(selections=(_TYPENAME, *node.selections))

    def leave_variable(self, node: VariableNode, *_: Any) -> VariableNode:
        return VariableNode(name=NameNode(value=f"v_{node.name.value}"))


def _prepared(node: Any, types: TypeInfo) -> Any:
    return visit(node, TypeInfoVisitor(types, _Preparer(types)))


def _changed(node: FieldNode, **changes: Any) -> FieldNode:
    return FieldNode(**{key: getattr(node, key) for key in node.keys} | changes)


def _fragment(name: str, operation: Operation) -> FragmentDefinitionNode:
    node: FragmentDefinitionNode = _prepared(operation.fragments[name], TypeInfo(operation.schema))
    return node


def _used_fragments(node: Node, fragments: Mapping[str, FragmentDefinitionNode]) -> Sequence[str]:
    """The names of all fragments that the node uses, itself or by another fragment."""
    found: dict[str, None] = {}
    open_nodes: list[Node] = [node]
    while open_nodes:
        for name in _spreads(open_nodes.pop()):
            if name not in found:
                found[name] = None
                open_nodes.append(fragments[name])
    return tuple(found)


def _spreads(node: Node | SelectionNode | None) -> Iterator[str]:
    selections = getattr(node, "selection_set", None)
    for part in selections.selections if selections else ():
        if isinstance(part, FragmentSpreadNode):
            yield part.name.value
        else:
            yield from _spreads(part)


class _VariableFinder(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.found.append(node.name.value)


def _variables(node: Node) -> Sequence[str]:
    finder = _VariableFinder()
    visit(node, finder)
    return finder.found


def _original(name: str) -> str:
    return name.removeprefix("v_")


def _defined(name: str, definitions: Mapping[str, VariableDefinitionNode]) -> VariableDefinitionNode:
    return definitions[_original(name)]
