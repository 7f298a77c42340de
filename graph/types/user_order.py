"""UserOrder: in which order."""

from enum import Enum

import strawberry

from domain.users.page import BY_ID, Order, order


@strawberry.enum(description="What users can be ordered by; the id breaks ties.")
class UserOrderField(Enum):
    ID = "id"
    EXTERNAL_ID = "externalId"
    USERNAME = "username"
    GIVEN_NAME = "givenName"
    FAMILY_NAME = "familyName"
    DISPLAY_NAME = "displayName"
    EMAIL = "email"
    STATUS = "status"
    CREATED_AT = "createdAt"
    UPDATED_AT = "updatedAt"
    STATUS_CHANGED_AT = "statusChangedAt"


@strawberry.enum(description="Absent values come first ascending and last descending.")
class OrderDirection(Enum):
    ASC = "asc"
    DESC = "desc"


@strawberry.input
class UserOrder:
    field: UserOrderField
    direction: OrderDirection = OrderDirection.ASC


def read_order(given: UserOrder | None) -> Order:
    """The order that a client asked for; by id, which is by time of creation, without one."""
    if given is None:
        return BY_ID
    return order(given.field.value, descending=given.direction is OrderDirection.DESC)
