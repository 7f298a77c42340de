"""_entities: users by what another subgraph knows of them, so that a router can compose us (Apollo Federation 2)."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.federation.schema import FederationAny
from strawberry.types.field import StrawberryField
from strawberry.types.union import StrawberryUnion

from domain.errors import BadInput
from domain.users.service import MAX_BATCH
from graph.context import Info
from graph.queries.nodes import load_user
from graph.types.user import User

_ENTITY = StrawberryUnion("_Entity", type_annotations=(StrawberryAnnotation(User),))


async def _entities(info: Info, representations: list[FederationAny]) -> list[Any]:
    if len(representations) > MAX_BATCH:
        raise BadInput(
            f"At most {MAX_BATCH} entities can be asked for at once, not {len(representations)}.",
            field="representations",
        )
    return await asyncio.gather(*(_load(info, each) for each in representations), return_exceptions=True)


async def _load(info: Info, representation: object) -> User | None:
    if not isinstance(representation, Mapping) or representation.get("__typename") != User.__name__:
        raise BadInput("A representation is an object whose __typename is User.", field="representations")
    id = representation.get("id")
    if not isinstance(id, str):
        raise BadInput("A user's representation has its id, a string.", field="representations")
    return await load_user(info, id)


def _field() -> StrawberryField:
    """Strawberry's decorator cannot name a union of one type in an annotation."""
    _entities.__annotations__["return"] = list[_ENTITY | None]  # type: ignore[valid-type]
    found = cast("StrawberryField", strawberry.field(name="_entities", resolver=_entities))
    found.python_name = "_entities"
    return found


entities = _field()
