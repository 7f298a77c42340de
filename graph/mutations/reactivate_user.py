"""reactivateUser."""

import strawberry

from domain.identity import rights
from graph.context import Info
from graph.field import mutation
from graph.mutations.payload import UserPayload


@strawberry.input
class ReactivateUserInput:
    id: strawberry.ID
    expected_version: int | None = strawberry.field(
        description="Change nothing, with CONFLICT, if the user has another version.", default=None
    )


@strawberry.type
class ReactivateUserPayload(UserPayload):
    pass


@mutation("Make a suspended user ACTIVE again. Needs the scope user:admin.")
async def reactivate_user(info: Info, input: ReactivateUserInput) -> ReactivateUserPayload | None:
    rights.require_status_change(info.context.caller)
    command = info.context.services.users.reactivate(input.id, expected_version=input.expected_version)
    return await ReactivateUserPayload.of(info, command)
