"""importUsers."""

from collections.abc import Sequence
from enum import Enum
from typing import Self

import strawberry
from strawberry.scalars import JSON

from domain.identity import rights
from domain.users.importing import RowOutcome, RowResult
from graph.context import Info
from graph.field import mutation
from graph.types.user import User
from graph.types.user_error import EXPECTED, UserError
from graph.types.user_input import given_values

strawberry.enum(RowOutcome, name="ImportOutcome", description="What became of a row.")


@strawberry.enum(description="By what a row finds the user that it updates.")
class ImportKey(Enum):
    EXTERNAL_ID = "externalId"
    USERNAME = "username"


@strawberry.input(description="A field that is null or left out stays as it is.")
class ImportUserRow:
    username: str | None = strawberry.UNSET
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
    roles: list[str] | None = strawberry.UNSET
    attributes: JSON | None = strawberry.UNSET


@strawberry.input
class ImportUsersInput:
    by: ImportKey
    rows: list[ImportUserRow] = strawberry.field(description="At most 1000.")


@strawberry.type
class ImportUserResult:
    outcome: RowOutcome
    user: User | None = strawberry.field(description="The user as it is now; null if the row was rejected.")
    error: UserError | None = strawberry.field(description="Why the row was rejected.")

    @classmethod
    def of(cls, result: RowResult) -> Self:
        """The data of one row's result."""
        return cls(
            outcome=result.outcome,
            user=User.of(result.user) if result.user else None,
            error=UserError.of(result.error) if result.error else None,
        )


@strawberry.type
class ImportUsersPayload:
    results: list[ImportUserResult] | None = strawberry.field(
        description="One a row, in their order; null if there are userErrors."
    )
    change_token: str | None = strawberry.field(description="One for all rows, for waitFor of searchUsers.")
    user_errors: list[UserError] = strawberry.field(description="Why no row was read; empty if they were.")


@mutation("Create or update many users; each row succeeds or fails alone. Needs user:admin.")
async def import_users(info: Info, input: ImportUsersInput) -> ImportUsersPayload | None:
    rights.require_import(info.context.caller)
    services = info.context.services
    rows = [{name: value for name, value in given_values(row).items() if value is not None} for row in input.rows]
    try:
        results: Sequence[RowResult] = await services.users.import_rows(rows, by=input.by.value)
    except EXPECTED as exc:
        return ImportUsersPayload(results=None, change_token=None, user_errors=[UserError.of(exc)])
    written = [result.user for result in results if result.user]
    return ImportUsersPayload(
        results=[ImportUserResult.of(result) for result in results],
        change_token=services.change_tokens.sign_many(written) if written else None,
        user_errors=[],
    )
