"""UserError: why a change was not made, as data."""

from enum import Enum
from typing import Self

import strawberry

from domain.errors import BadInput, Conflict, InternalError, NotFound, NotUnique, ServiceError, StoreUnavailable
from graph.errors import present_service_error


@strawberry.enum(description="STORE_UNAVAILABLE and INTERNAL are met by single rows of importUsers only.")
class UserErrorCode(Enum):
    BAD_USER_INPUT = BadInput.code
    NOT_FOUND = NotFound.code
    NOT_UNIQUE = NotUnique.code
    CONFLICT = Conflict.code
    STORE_UNAVAILABLE = StoreUnavailable.code
    INTERNAL = InternalError.code


EXPECTED: tuple[type[ServiceError], ...] = (BadInput, NotFound, NotUnique, Conflict)
"""What a client can meet in a mutation without anything being broken."""


@strawberry.type(description="Why nothing was changed, and what to do about it.")
class UserError:
    code: UserErrorCode
    message: str
    field: str | None = strawberry.field(description="The name of the input it is about.")

    @classmethod
    def of(cls, error: ServiceError) -> Self:
        """The data of an error that is one of EXPECTED, or of a row that failed; INTERNAL is masked and logged."""
        told = present_service_error(error)
        extensions = told["extensions"]
        return cls(code=UserErrorCode(extensions["code"]), message=told["message"], field=extensions.get("field"))
