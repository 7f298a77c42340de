"""deleteUser."""

import strawberry

from domain.identity import rights
from graph.context import Info
from graph.field import mutation
from graph.types.user import DeletedUser
from graph.types.user_error import EXPECTED, UserError


@strawberry.input
class DeleteUserInput:
    id: strawberry.ID
    expected_version: int | None = strawberry.field(
        description="Delete nothing, with CONFLICT, if the user has another version.", default=None
    )


@strawberry.type
class DeleteUserPayload:
    user: DeletedUser | None = strawberry.field(description="What is left; null if there are userErrors.")
    change_token: str | None = strawberry.field(description="For waitFor of searchUsers; null if there are userErrors.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was deleted; empty if it was.")


@mutation("Delete a user and all that is personal in it. Needs the scope user:admin.")
async def delete_user(info: Info, input: DeleteUserInput) -> DeleteUserPayload | None:
    rights.require_delete(info.context.caller)
    services = info.context.services
    try:
        tombstone = await services.users.delete(input.id, expected_version=input.expected_version)
    except EXPECTED as exc:
        return DeleteUserPayload(user=None, change_token=None, user_errors=[UserError.of(exc)])
    return DeleteUserPayload(
        user=DeletedUser.of(tombstone), change_token=services.change_tokens.sign(tombstone), user_errors=[]
    )
