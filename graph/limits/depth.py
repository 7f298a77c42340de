"""How deep the fields of an operation may be nested."""

from collections.abc import Iterable

from graphql import FieldNode, ValidationRule

from graph.limits.measuring import limit_on


def depth_limit(limit: int) -> type[ValidationRule]:
    """A validation rule; introspection has a depth limit of its own in the specified rules."""
    return limit_on(
        _depth, _deepest, most=limit, message="The operation is nested {found} fields deep, at most {most} are allowed."
    )


def _depth(field: FieldNode, below: int) -> int:
    return 0 if field.name.value.startswith("__") else 1 + below


def _deepest(depths: Iterable[int]) -> int:
    return max(depths, default=0)
