"""Every failure that a caller can meet, as a value with a code and a message that says what to do next.

ServiceError
├── BadInput             BAD_USER_INPUT       the caller's value is refused, nothing was done
├── NotFound             NOT_FOUND            no such user, or a deleted one
├── NotUnique            NOT_UNIQUE           another user has that value
├── Conflict             CONFLICT             the user's version is not the expected one
├── Unauthenticated      UNAUTHENTICATED      no token, or none that holds
├── Forbidden            FORBIDDEN            the token holds and is not enough
├── LimitExceeded        LIMIT_EXCEEDED       the request is larger than this service answers
├── StoreUnavailable     STORE_UNAVAILABLE    the user store did not answer
│   └── OutcomeUnknown                        ... after a write was sent: it may or may not be there
├── SearchUnavailable    SEARCH_UNAVAILABLE   the search engine did not answer
│   ├── IndexMissing                          ... or it did, and has no index yet
│   └── SearchRefused                         ... or it did, and does not take our credentials
├── PeerUnavailable      PEER_UNAVAILABLE     another service did not answer, or not as agreed
└── InternalError        INTERNAL             not the caller's doing
    ├── SettingsError                         the settings, at start-up
    │   └── OutOfReach                        ... lead to a server that does not answer
    ├── NewerSchema                           a document written by a newer release
    ├── UnreadableUser                        a stored document that is no user
    ├── IndexMismatch                         the index is not one of ours
    └── PositionLost                          the feed cannot go on from a position
"""

from datetime import timedelta
from typing import ClassVar


class ServiceError(Exception):
    """The root: `code` is public API, `field` names the input it is about (None: the whole of it)."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class BadInput(ServiceError):
    code = "BAD_USER_INPUT"


class NotFound(ServiceError):
    code = "NOT_FOUND"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no user {id}.", field="id")
        self.id = id


class NotUnique(ServiceError):
    code = "NOT_UNIQUE"

    def __init__(self, field: str) -> None:
        super().__init__(f"Another user has this {field}: choose another one.", field=field)


class Conflict(ServiceError):
    code = "CONFLICT"

    def __init__(self, id: str, *, expected: int, actual: int) -> None:
        super().__init__(
            f"User {id} is at version {actual}, not {expected}: read it again and repeat the change.",
            field="expectedVersion",
        )
        self.id = id
        self.expected = expected
        self.actual = actual


class Unauthenticated(ServiceError):
    code = "UNAUTHENTICATED"


class Forbidden(ServiceError):
    code = "FORBIDDEN"


class LimitExceeded(ServiceError):
    code = "LIMIT_EXCEEDED"


class StoreUnavailable(ServiceError):
    code = "STORE_UNAVAILABLE"

    def __init__(self, message: str = "The user store did not answer: try again in a moment.") -> None:
        super().__init__(message)


class OutcomeUnknown(StoreUnavailable):
    def __init__(self, id: str) -> None:
        super().__init__(f"The user store did not confirm the write of user {id}: read it to see whether it is there.")
        self.id = id


class SearchUnavailable(ServiceError):
    """`hint` is for operators: a caller is told the message, a log and a command say both."""

    code = "SEARCH_UNAVAILABLE"

    def __init__(
        self, message: str = "The search engine did not answer: try again in a moment.", *, hint: str = ""
    ) -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class SearchRefused(SearchUnavailable):
    """The engine answers, but not to our credentials."""


class IndexMissing(SearchUnavailable):
    """The engine answers; the message says what makes the index."""


class PeerUnavailable(ServiceError):
    """`reason` says what happened, without anything about users; `retry_after` when to ask again, if that is known."""

    code = "PEER_UNAVAILABLE"

    def __init__(self, peer: str, reason: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(f"The service {peer} is not available ({reason}): the rest of the answer is complete.")
        self.peer = peer
        self.reason = reason
        self.retry_after = retry_after


class InternalError(ServiceError):
    code = "INTERNAL"


class SettingsError(InternalError):
    """A setting is missing or wrong; the message names it and says what to do."""


class OutOfReach(SettingsError):
    """A server that has to be there does not answer: it may be down, or the setting that the message names is wrong."""


class NewerSchema(InternalError):
    def __init__(self, id: str, *, schema: int, known: int) -> None:
        super().__init__(
            f"User {id} was written with schema {schema}; this release knows {known}: deploy the newer release."
        )
        self.schema = schema
        self.known = known


class UnreadableUser(InternalError):
    """Somebody else wrote the document; `version` is 0 where it says none, `reason` never holds a value of it."""

    def __init__(self, id: str, version: int, reason: str) -> None:
        super().__init__(f"The stored document of user {id} cannot be read ({reason}): mend it in the store.")
        self.id = id
        self.version = version
        self.reason = reason


class IndexMismatch(InternalError):
    """The index or alias exists and is not what this release writes; the message says what to do."""


class PositionLost(InternalError):
    """The source no longer holds what came after a position: only a resync closes the gap."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The change feed cannot go on from its position ({reason}): a resync is needed.")
        self.reason = reason
