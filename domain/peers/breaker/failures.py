"""Which exceptions speak against the dependency that was asked, and which it raised in good health."""

from collections.abc import Callable

from domain.errors import PeerUnavailable, SearchUnavailable, ServiceError, StoreUnavailable

IsFailure = Callable[[Exception], bool]


def is_failure(error: Exception) -> bool:
    """What is not a ServiceError, and of those the ones that say that something did not answer.

    BadInput, NotUnique, Conflict, Forbidden and the like are answers: the caller's doing, found out by a dependency
    that works. So are our own mistakes (InternalError).
    """
    return not isinstance(error, ServiceError) or isinstance(
        error, (StoreUnavailable, SearchUnavailable, PeerUnavailable)
    )
