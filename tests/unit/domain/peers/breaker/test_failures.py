"""Which exceptions speak against a dependency."""

from datetime import timedelta

import httpx
import pytest

from domain.errors import (
    BadInput,
    Conflict,
    Forbidden,
    IndexMismatch,
    LimitExceeded,
    NewerSchema,
    NotFound,
    NotUnique,
    OutcomeUnknown,
    PeerUnavailable,
    SearchUnavailable,
    StoreUnavailable,
    Unauthenticated,
)
from domain.peers.breaker.failures import is_failure


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable(),
        OutcomeUnknown("1"),
        SearchUnavailable(),
        PeerUnavailable("posts", "HTTP 500", retry_after=timedelta(seconds=1)),
        TimeoutError(),
        ConnectionResetError(),
        httpx.ReadTimeout("slow"),
        ValueError("not JSON"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_did_not_answer_or_not_as_agreed_has_failed(error: Exception) -> None:
    assert is_failure(error)


@pytest.mark.parametrize(
    "error",
    [
        BadInput("no"),
        NotFound("1"),
        NotUnique("email"),
        Conflict("1", expected=1, actual=2),
        Unauthenticated("no token"),
        Forbidden("no"),
        LimitExceeded("no"),
        NewerSchema("1", schema=9, known=1),
        IndexMismatch("not ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_caller_or_this_service_did_wrong_is_an_answer(error: Exception) -> None:
    assert not is_failure(error)
