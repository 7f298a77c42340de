"""Who calls: from a request's headers to a caller whose own user, if it is one, is not suspended or deleted."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from domain.errors import BadInput, Forbidden, StoreUnavailable, Unauthenticated
from domain.identity.caller import Caller
from domain.identity.tokens import TokenVerifier, bearer_token
from domain.users.model import Status
from domain.users.store import UserStore
from domain.users.validation import check_id

STATUS_CACHED_FOR = 5.0
_MAX_STATUSES = 10_000


class Authenticator:
    """Checks tokens, and the status of the users that they are for."""

    def __init__(
        self, verifier: TokenVerifier, store: UserStore, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._verifier = verifier
        self._store = store
        self._monotonic = monotonic
        self._statuses: OrderedDict[str, tuple[float, Status | None]] = OrderedDict()

    async def caller(self, headers: Sequence[tuple[bytes, bytes]]) -> Caller:
        """The caller of a request. Raises Unauthenticated, Forbidden, StoreUnavailable."""
        token = bearer_token(headers)
        if token is None:
            raise Unauthenticated("There is no token: send `Authorization: Bearer <token>`.")
        caller = await self._verifier.verify(token)
        status = await self._status(caller.subject)
        if status in {Status.SUSPENDED, Status.DELETED}:
            raise Forbidden(f"User {caller.subject} is {status}: its tokens are refused.")
        return caller

    async def _status(self, subject: str) -> Status | None:
        """The status of the user `subject`; None for what is no user of ours, such as a service.

        While the store does not answer, the last known status holds: otherwise an outage of the store would take
        search with it.
        """
        try:
            check_id(subject)
        except BadInput:
            return None
        known = self._statuses.get(subject)
        if known is not None and self._monotonic() - known[0] < STATUS_CACHED_FOR:
            return known[1]
        try:
            user = (await self._store.get([subject])).get(subject)
        except StoreUnavailable:
            if known is None:
                raise
            return known[1]
        self._remember(subject, user.status if user else None)
        return user.status if user else None

    def _remember(self, subject: str, status: Status | None) -> None:
        self._statuses[subject] = (self._monotonic(), status)
        self._statuses.move_to_end(subject)
        if len(self._statuses) > _MAX_STATUSES:
            self._statuses.popitem(last=False)
