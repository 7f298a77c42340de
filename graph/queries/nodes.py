"""node and nodes: things by their ids alone."""

import asyncio
from typing import cast

import strawberry

from domain.errors import BadInput
from domain.identity import rights
from domain.users.page import MAX_PAGE
from domain.users.validation import check_id
from graph.context import Info
from graph.field import field
from graph.node import Node
from graph.types.user import User


@field("The node with this id; null if there is none.")
async def node(info: Info, id: strawberry.ID) -> Node | None:
    return await load_user(info, id)


@field(f"The nodes with these ids, at most {MAX_PAGE}, in their order; null for one that does not exist.")
async def nodes(info: Info, ids: list[strawberry.ID]) -> list[Node | None] | None:
    if len(ids) > MAX_PAGE:
        raise BadInput(f"At most {MAX_PAGE} ids can be asked for at once, not {len(ids)}.", field="ids")
    found = await asyncio.gather(*(load_user(info, id) for id in ids), return_exceptions=True)
    # An exception in the list fails its own entry and no other.
    return [cast("Node | None", item) for item in found]


async def load_user(info: Info, id: str) -> User | None:
    """The user with this id; None if there is none. Raises BadInput, Forbidden, StoreUnavailable."""
    rights.require_read(info.context.caller, check_id(id))
    found = await info.context.user_loader.load(id)
    return User.of(found) if found else None
