"""UserFilter: which users; its inputs, and what the domain reads of them."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Optional

import strawberry
from strawberry.scalars import JSON

from domain.errors import BadInput
from domain.users.model import Status


@strawberry.input(description="All given operators must hold. An absent value fails all but `ne` and `exists: false`.")
class TextFilter:
    eq: str | None = strawberry.UNSET
    ne: str | None = strawberry.UNSET
    in_: list[str] | None = strawberry.field(name="in", default=strawberry.UNSET)
    starts_with: str | None = strawberry.UNSET
    exists: bool | None = strawberry.UNSET


@strawberry.input(description="An operator holds if one entry of the list meets it; `ne` is not `eq`.")
class TextListFilter:
    eq: str | None = strawberry.UNSET
    ne: str | None = strawberry.UNSET
    in_: list[str] | None = strawberry.field(name="in", default=strawberry.UNSET)
    starts_with: str | None = strawberry.UNSET
    exists: bool | None = strawberry.UNSET


@strawberry.input
class BooleanFilter:
    eq: bool | None = strawberry.UNSET
    ne: bool | None = strawberry.UNSET
    exists: bool | None = strawberry.UNSET


@strawberry.input
class IntFilter:
    eq: int | None = strawberry.UNSET
    ne: int | None = strawberry.UNSET
    in_: list[int] | None = strawberry.field(name="in", default=strawberry.UNSET)
    lt: int | None = strawberry.UNSET
    lte: int | None = strawberry.UNSET
    gt: int | None = strawberry.UNSET
    gte: int | None = strawberry.UNSET
    exists: bool | None = strawberry.UNSET


@strawberry.input
class DateTimeFilter:
    eq: datetime | None = strawberry.UNSET
    ne: datetime | None = strawberry.UNSET
    in_: list[datetime] | None = strawberry.field(name="in", default=strawberry.UNSET)
    lt: datetime | None = strawberry.UNSET
    lte: datetime | None = strawberry.UNSET
    gt: datetime | None = strawberry.UNSET
    gte: datetime | None = strawberry.UNSET
    exists: bool | None = strawberry.UNSET


@strawberry.input
class UserStatusFilter:
    eq: Status | None = strawberry.UNSET
    ne: Status | None = strawberry.UNSET
    in_: list[Status] | None = strawberry.field(name="in", default=strawberry.UNSET)


@strawberry.input(description="Conditions on one top-level attribute whose value is a text, a number or a boolean.")
class AttributeFilter:
    key: str
    eq: JSON | None = strawberry.UNSET
    ne: JSON | None = strawberry.UNSET
    in_: list[JSON] | None = strawberry.field(name="in", default=strawberry.UNSET)
    exists: bool | None = strawberry.UNSET


@strawberry.input(description="Users for whom everything given here holds.")
class UserFilter:
    and_: list["UserFilter"] | None = strawberry.field(name="and", default=strawberry.UNSET)
    or_: list["UserFilter"] | None = strawberry.field(name="or", default=strawberry.UNSET)
    not_: Optional["UserFilter"] = strawberry.field(name="not", default=strawberry.UNSET)
    id: TextFilter | None = strawberry.UNSET
    external_id: TextFilter | None = strawberry.UNSET
    username: TextFilter | None = strawberry.UNSET
    given_name: TextFilter | None = strawberry.UNSET
    family_name: TextFilter | None = strawberry.UNSET
    display_name: TextFilter | None = strawberry.UNSET
    email: TextFilter | None = strawberry.UNSET
    email_verified: BooleanFilter | None = strawberry.UNSET
    phone: TextFilter | None = strawberry.UNSET
    locale: TextFilter | None = strawberry.UNSET
    timezone: TextFilter | None = strawberry.UNSET
    roles: TextListFilter | None = strawberry.UNSET
    status: UserStatusFilter | None = strawberry.UNSET
    attributes: list[AttributeFilter] | None = strawberry.UNSET
    version: IntFilter | None = strawberry.UNSET
    created_at: DateTimeFilter | None = strawberry.UNSET
    updated_at: DateTimeFilter | None = strawberry.UNSET
    status_changed_at: DateTimeFilter | None = strawberry.UNSET


def plain(filter: UserFilter | None) -> Mapping[str, Any] | None:
    """The mapping that `domain.users.filter.parse` reads. Raises BadInput for a null condition."""
    return None if filter is None else _plain(filter)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    given: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        if item is strawberry.UNSET:
            continue
        if item is None and isinstance(value, UserFilter):
            raise BadInput("A condition of the filter is null: leave it out.", field="filter")
        given[graphql_name(field.name)] = _plain(item)
    return given


def graphql_name(python_name: str) -> str:
    """`starts_with` is `startsWith`, `in_` is `in`."""
    first, *rest = python_name.rstrip("_").split("_")
    return first + "".join(part.title() for part in rest)
