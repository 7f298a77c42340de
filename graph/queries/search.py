"""searchUsers and suggestUsers: reads of the index."""

from datetime import timedelta

from domain.identity import rights
from domain.users.filter import parse
from graph.arguments import After, First
from graph.context import Info
from graph.field import field
from graph.types.search import UserFacet, UserSearchConnection
from graph.types.user import User
from graph.types.user_filter import UserFilter, plain


@field(
    "The users whose names, username or e-mail address hold all words of the query: exact words first, "
    "then beginnings of the last word, then typos. `waitFor` takes change tokens of mutations and waits, at most "
    "`timeout` seconds (5 without it, 30 at most), until the index has those changes."
)
async def search_users(  # noqa: PLR0917 (Strawberry passes them by name)
    info: Info,
    query: str,
    filter: UserFilter | None = None,
    facets: list[UserFacet] | None = None,
    first: First = None,
    after: After = None,
    wait_for: list[str] | None = None,
    timeout: float | None = None,
) -> UserSearchConnection | None:
    rights.require_search(info.context.caller)
    page = await info.context.services.search.search(
        query,
        filter=parse(plain(filter)),
        facets=[facet.value for facet in facets or ()],
        first=first,
        after=after,
        wait_for=wait_for or (),
        timeout=None if timeout is None else _seconds(timeout),
        due=info.context.due,
    )
    return UserSearchConnection.of(page, bounded=after is not None)


@field("The best few users for what has been typed so far.")
async def suggest_users(info: Info, prefix: str, first: First = None) -> list[User] | None:
    rights.require_search(info.context.caller)
    hits = await info.context.services.search.suggest(prefix, first=first)
    found = await info.context.user_loader.load_many([hit.id for hit in hits])
    return [User.of(user) for user in found if user is not None]


def _seconds(number: float) -> timedelta:
    """As a duration, which no number is too large for: what is out of range is refused later."""
    return timedelta(seconds=min(max(number, -1.0), 86_400.0))
