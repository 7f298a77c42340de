"""What the inputs of createUser, updateUser and importUsers have in common."""

from collections.abc import Iterable, Sequence
from typing import Any

import strawberry

from domain.users.fields import BY_NAME, WRITABLE, Field


def given_values(input: object) -> dict[str, Any]:
    """Field name → value of the user's fields that the client gave; null is a value."""
    values = {field.name: getattr(input, field.attribute) for field in WRITABLE}
    return {name: value for name, value in values.items() if value is not strawberry.UNSET}


def fields(names: Iterable[str]) -> Sequence[Field]:
    """The rows of the field table with these names."""
    return [BY_NAME[name] for name in names]
