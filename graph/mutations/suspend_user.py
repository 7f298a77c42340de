"""suspendUser."""

import strawberry

from domain.identity import rights
from graph.context import Info
from graph.field import mutation
from graph.mutations.payload import UserPayload


@strawberry.input
class SuspendUserInput:
    id: strawberry.ID
    expected_version: int | None = strawberry.field(
        description="Change nothing, with CONFLICT, if the user has another version.", default=None
    )


@strawberry.type
class SuspendUserPayload(UserPayload):
    pass


@mutation("Refuse a user's own tokens until it is reactivated. Needs the scope user:admin.")
async def suspend_user(info: Info, input: SuspendUserInput) -> SuspendUserPayload | None:
    rights.require_status_change(info.context.caller)
    command = info.context.services.users.suspend(input.id, expected_version=input.expected_version)
    return await SuspendUserPayload.of(info, command)
