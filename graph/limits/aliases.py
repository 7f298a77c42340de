"""How many aliases a document may use: each can repeat a costly field."""

from graphql import FieldNode, ValidationRule

from graph.limits.measuring import limit_on


def alias_limit(limit: int) -> type[ValidationRule]:
    """A validation rule; an alias in a fragment counts as often as the fragment is used."""
    return limit_on(_aliases, sum, most=limit, message="The operation has {found} aliases, at most {most} are allowed.")


def _aliases(field: FieldNode, below: int) -> int:
    return (field.alias is not None) + below
