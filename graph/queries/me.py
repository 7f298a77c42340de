"""me: the caller as a user."""

from domain.errors import BadInput
from domain.users.validation import check_id
from graph.context import Info
from graph.field import field
from graph.types.user import User


@field("The user that the token is for; null if it is for something else, such as a service.")
async def me(info: Info) -> User | None:
    try:
        id = check_id(info.context.caller.subject)
    except BadInput:
        return None
    found = await info.context.user_loader.load(id)
    return User.of(found) if found else None
