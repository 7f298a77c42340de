"""User, as a client sees one, and what is left of a deleted one."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry.scalars import JSON

from domain.users.fields import FIELDS
from domain.users.model import Status
from domain.users.model import User as UserModel
from graph.node import Node

strawberry.enum(Status, name="UserStatus", description="Where a user is in its life.")

_ATTRIBUTES = tuple(field.attribute for field in FIELDS)


@strawberry.federation.type(
    keys=["id"], description="A user of the platform. Names and meaning follow SCIM 2.0 (RFC 7643)."
)
class User(Node):
    external_id: str | None = strawberry.field(description="The id in the system that the user came from, unique.")
    username: str = strawberry.field(description="Unique, whatever the case and Unicode form.")
    given_name: str | None
    family_name: str | None
    display_name: str | None
    email: str | None = strawberry.field(description="Unique, whatever the case and Unicode form.")
    email_verified: bool | None = strawberry.field(description="Null without an e-mail address.")
    phone: str | None = strawberry.field(description="By E.164: `+14155550123`.")
    locale: str | None = strawberry.field(description="A language tag (RFC 5646): `pt-BR`.")
    timezone: str | None = strawberry.field(description="A name of the IANA database: `Europe/Berlin`.")
    picture_url: str | None
    roles: list[str] = strawberry.field(description="Roles in the platform; they grant nothing in this service.")
    status: Status
    attributes: JSON = strawberry.field(description="A JSON object of the platform's own.")
    version: int = strawberry.field(description="1 at first, one more with every change.")
    created_at: datetime
    updated_at: datetime
    status_changed_at: datetime

    @classmethod
    def of(cls, user: UserModel) -> Self:
        """What a client sees of a live user."""
        return cls(**{name: getattr(user, name) for name in _ATTRIBUTES})


@strawberry.type(description="What is left of a deleted user: nothing personal.")
class DeletedUser:
    id: strawberry.ID
    status: Status
    version: int
    created_at: datetime
    updated_at: datetime
    status_changed_at: datetime

    @classmethod
    def of(cls, user: UserModel) -> Self:
        """What a client sees of a tombstone."""
        return cls(
            id=strawberry.ID(user.id),
            status=user.status,
            version=user.version,
            created_at=user.created_at,
            updated_at=user.updated_at,
            status_changed_at=user.status_changed_at,
        )
