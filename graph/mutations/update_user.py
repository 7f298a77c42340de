"""updateUser."""

import strawberry
from strawberry.scalars import JSON

from domain.identity import rights
from domain.users.model import User as UserModel
from domain.users.validation import check_id
from graph.context import Info
from graph.field import mutation
from graph.mutations.payload import UserPayload
from graph.types.user_input import fields, given_values


@strawberry.input(description="A field that is left out stays as it is; null clears it.")
class UpdateUserInput:
    id: strawberry.ID
    expected_version: int | None = strawberry.field(
        description="Change nothing, with CONFLICT, if the user has another version.", default=None
    )
    username: str | None = strawberry.UNSET
    external_id: str | None = strawberry.UNSET
    given_name: str | None = strawberry.UNSET
    family_name: str | None = strawberry.UNSET
    display_name: str | None = strawberry.UNSET
    email: str | None = strawberry.field(
        description="Another address is not verified, unless emailVerified says so.", default=strawberry.UNSET
    )
    email_verified: bool | None = strawberry.UNSET
    phone: str | None = strawberry.UNSET
    locale: str | None = strawberry.UNSET
    timezone: str | None = strawberry.UNSET
    picture_url: str | None = strawberry.UNSET
    roles: list[str] | None = strawberry.field(description="Needs the scope user:admin.", default=strawberry.UNSET)
    attributes: JSON | None = strawberry.field(
        description="A JSON merge patch (RFC 7396) of the attributes.", default=strawberry.UNSET
    )


@strawberry.type
class UpdateUserPayload(UserPayload):
    pass


@mutation("Change a user: oneself, or with the scope user:write anybody.")
async def update_user(info: Info, input: UpdateUserInput) -> UpdateUserPayload | None:
    return await UpdateUserPayload.of(info, _update(info, input))


async def _update(info: Info, input: UpdateUserInput) -> UserModel:
    changes = given_values(input)
    rights.require_write(info.context.caller, check_id(input.id), fields(changes))
    return await info.context.services.users.update(input.id, changes, expected_version=input.expected_version)
