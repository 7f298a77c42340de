"""user, userBy and users: reads of the store."""

import strawberry

from domain.errors import BadInput
from domain.identity import rights
from domain.users import page as pages
from domain.users.filter import parse
from domain.users.validation import check_id
from graph.arguments import After, Before, First, Last
from graph.context import Info
from graph.field import field
from graph.types.user import User
from graph.types.user_connection import UserConnection
from graph.types.user_filter import UserFilter, plain
from graph.types.user_order import UserOrder, read_order


@strawberry.input(one_of=True, description="One of the unique names of a user.")
class UserKey:
    username: strawberry.Maybe[str]
    email: strawberry.Maybe[str]
    external_id: strawberry.Maybe[str]


@field("The user with this id; null if there is none, or it is deleted.")
async def user(info: Info, id: strawberry.ID) -> User | None:
    rights.require_read(info.context.caller, check_id(id))
    found = await info.context.user_loader.load(id)
    return User.of(found) if found else None


@field("The user with this username, e-mail address or external id.")
async def user_by(info: Info, by: UserKey) -> User | None:
    name, value = _given(by)
    found = await info.context.services.users.find(name, value)
    # Who may read only itself must not learn whether somebody else has the name.
    rights.require_read(info.context.caller, found.id if found else "")
    return User.of(found) if found else None


@field("The users that meet a filter, in an order, page by page.")
async def users(  # noqa: PLR0917 (Strawberry passes them by name)
    info: Info,
    filter: UserFilter | None = None,
    order_by: UserOrder | None = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> UserConnection | None:
    rights.require_list(info.context.caller)
    wanted, order = parse(plain(filter)), read_order(order_by)
    window = pages.window(filter=wanted, order=order, first=first, after=after, last=last, before=before)
    page = await info.context.services.users.page(wanted, order, window)
    return UserConnection.of(page, wanted, order, window)


def _given(by: UserKey) -> tuple[str, str]:
    for name, value in (("username", by.username), ("email", by.email), ("externalId", by.external_id)):
        if value is not None:
            return name, value.value
    raise BadInput("Give one of username, email and externalId.", field="by")
