"""createUser."""

import strawberry
from strawberry.scalars import JSON

from domain.identity import rights
from graph.context import Info
from graph.field import mutation
from graph.mutations.payload import UserPayload
from graph.types.user_input import fields, given_values


@strawberry.input(description="Null is the same as leaving a field out.")
class CreateUserInput:
    username: str
    external_id: str | None = strawberry.UNSET
    given_name: str | None = strawberry.UNSET
    family_name: str | None = strawberry.UNSET
    display_name: str | None = strawberry.UNSET
    email: str | None = strawberry.UNSET
    email_verified: bool | None = strawberry.UNSET
    phone: str | None = strawberry.UNSET
    locale: str | None = strawberry.UNSET
    timezone: str | None = strawberry.UNSET
    picture_url: str | None = strawberry.UNSET
    roles: list[str] | None = strawberry.field(description="Needs the scope user:admin.", default=strawberry.UNSET)
    attributes: JSON | None = strawberry.UNSET


@strawberry.type
class CreateUserPayload(UserPayload):
    pass


@mutation("Create a user. Needs the scope user:write.")
async def create_user(info: Info, input: CreateUserInput) -> CreateUserPayload | None:
    values = {name: value for name, value in given_values(input).items() if value is not None}
    rights.require_create(info.context.caller, fields(values))
    return await CreateUserPayload.of(info, info.context.services.users.create(values))
