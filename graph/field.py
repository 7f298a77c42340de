"""Strawberry's decorators of resolvers, typed: its own return Any."""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

Decorator = Callable[[Callable[..., Any]], StrawberryField]


def field(description: str) -> Decorator:
    """A field that a function resolves; `description` is public."""
    decorator: Decorator = strawberry.field(description=description)
    return decorator


def mutation(description: str) -> Decorator:
    """A mutation that a function makes; `description` is public."""
    decorator: Decorator = strawberry.mutation(description=description)
    return decorator
