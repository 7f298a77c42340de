"""GraphQL over HTTP, the way out: from a result or a refusal to an HTTP response."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.responses import Response
from strawberry.types.execution import ExecutionResult, PreExecutionError

from domain.errors import (
    Forbidden,
    InternalError,
    PeerUnavailable,
    SearchUnavailable,
    ServiceError,
    StoreUnavailable,
    Unauthenticated,
)
from graph.errors import present, present_service_error
from graph.http_request import GRAPHQL_JSON, PLAIN_JSON

_STATUS: Mapping[str, int] = {
    Unauthenticated.code: 401,
    Forbidden.code: 403,
    StoreUnavailable.code: 503,
    InternalError.code: 500,
}
"""Of an error that ended a request before anything was executed; 400 for all others."""

_OURS = frozenset({InternalError.code, StoreUnavailable.code, SearchUnavailable.code, PeerUnavailable.code})
_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",  # what is answered depends on who asks
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Answer:
    body: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """For metrics: ok, refused (the client's doing) or failed (ours)."""
        codes = {error["extensions"]["code"] for error in self.body.get("errors", ())}
        if codes & _OURS or self.status >= 500:
            return "failed"
        return "refused" if codes else "ok"

    def response(self, media_type: str) -> Response:
        """As an HTTP response of this media type."""
        return Response(
            encode(self.body), self.status, {**_HEADERS, **self.headers}, media_type=f"{media_type}; charset=utf-8"
        )


def encode(value: Any) -> bytes:
    """JSON in UTF-8; what UTF-8 does not have (lone surrogates, echoed from a request) stays escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def answer_result(result: ExecutionResult, media_type: str = PLAIN_JSON, *, suggesting: bool = True) -> Answer:
    """The answer to a request that was read (GraphQL over HTTP, section 6.4); `suggesting`: see present."""
    if not result.errors:
        return Answer({"data": result.data})
    errors = present(result.errors, validating=isinstance(result, PreExecutionError), suggesting=suggesting)
    if result.data is None and not any(error.path for error in result.errors):
        code = errors[0]["extensions"]["code"]
        return Answer({"errors": errors}, _STATUS.get(code, 400) if media_type == GRAPHQL_JSON else 200)
    return Answer({"errors": errors, "data": result.data})


def answer_refusal(error: ServiceError, status: int | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """The answer to a request that was not executed."""
    status = status or _STATUS.get(error.code, 400)
    challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Answer({"errors": [present_service_error(error)]}, status, {**challenge, **(headers or {})})
