"""Who calls: from a request's headers to a caller whose own user, if it is one, is not suspended or deleted."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence

from domain.errors import BadInput, Forbidden, StoreUnavailable
from domain.identity.caller import Caller
from domain.identity.jwks import KeyStatus
from domain.identity.mesh import forwarded_claims, is_sidecar
from domain.identity.refusals import Cause, TokenRefused
from domain.identity.tokens import TokenVerifier, bearer_token
from domain.users.model import Status
from domain.users.store import UserStore
from domain.users.validation import check_id

STATUS_CACHED_FOR = 5.0
_MAX_STATUSES = 10_000


class Authenticator:
    """Checks tokens, and the status of the users that they are for. `refusals` counts those without a known caller.

    With `trust_mesh`, a request without any Authorization header may bring the claims of a token that the local
    sidecar has checked and taken out; what they say is checked as if they came in the token.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        store: UserStore,
        *,
        trust_mesh: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refusals: Counter[Cause] = Counter()
        self._verifier = verifier
        self._store = store
        self._trust_mesh = trust_mesh
        self._monotonic = monotonic
        self._statuses: OrderedDict[str, tuple[float, Status | None]] = OrderedDict()

    @property
    def keys(self) -> KeyStatus:
        """How the issuer's keys are."""
        return self._verifier.keys.status()

    async def caller(self, headers: Sequence[tuple[bytes, bytes]], peer: str | None = None) -> Caller:
        """The caller of a request from the address `peer`. Raises TokenRefused, Forbidden, StoreUnavailable."""
        try:
            caller = await self._identify(headers, peer)
        except TokenRefused as exc:
            self.refusals[exc.cause] += 1
            raise
        status = await self._status(caller.subject)
        if status in {Status.SUSPENDED, Status.DELETED}:
            raise Forbidden(f"User {caller.subject} is {status}: its tokens are refused.")
        return caller

    async def _identify(self, headers: Sequence[tuple[bytes, bytes]], peer: str | None) -> Caller:
        """A token counts before all else: one that is refused is not made good by a header."""
        token = bearer_token(headers)
        if token is not None:
            return await self._verifier.verify(token)
        claims = forwarded_claims(headers) if self._trust_mesh and is_sidecar(peer) else None
        if claims is not None:
            return self._verifier.accept(claims)
        raise TokenRefused(Cause.MISSING, "There is no token: send `Authorization: Bearer <token>`.")

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
