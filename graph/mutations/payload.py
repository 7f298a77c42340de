"""The payload that every mutation of one user has: the user and a change token, or why nothing was changed."""

from collections.abc import Awaitable
from typing import Self

import strawberry

from domain.users.model import User as UserModel
from graph.context import Info
from graph.types.user import User
from graph.types.user_error import EXPECTED, UserError


@strawberry.type
class UserPayload:
    user: User | None = strawberry.field(description="The user as it is now; null if there are userErrors.")
    change_token: str | None = strawberry.field(description="For waitFor of searchUsers; null if there are userErrors.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty if it was.")

    @classmethod
    async def of(cls, info: Info, command: Awaitable[UserModel]) -> Self:
        """Run `command`; what a client must expect to meet becomes data, all else stays an exception."""
        try:
            user = await command
        except EXPECTED as exc:
            return cls(user=None, change_token=None, user_errors=[UserError.of(exc)])
        return cls(user=User.of(user), change_token=info.context.services.change_tokens.sign(user), user_errors=[])
