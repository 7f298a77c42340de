"""The one translator from what went wrong to what a client is told of it."""

import re
import secrets
from collections.abc import Sequence
from typing import Any

import structlog
from graphql import GraphQLError, GraphQLSyntaxError

from domain.errors import BadInput, InternalError, LimitExceeded, PeerUnavailable, ServiceError
from domain.logs import trace

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"

_PARSER_LIMITS = ("Document contains more than", "Document is nested too deeply")
_SUGGESTION = re.compile(r" Did you mean [^?]*\?")
_log = structlog.get_logger(__name__)


def present(
    errors: Sequence[GraphQLError], *, validating: bool = False, suggesting: bool = True
) -> list[dict[str, Any]]:
    """The errors of a result as its response tells them; `validating` says that nothing was executed.

    What is not the client's doing is masked and logged, both with the same correlation id. Without `suggesting` no
    message names what else there is in the schema.
    """
    presented = [_present(error, validating=validating) for error in errors]
    if not suggesting:
        for error in presented:
            error["message"] = _SUGGESTION.sub("", error["message"])
    return presented


def present_service_error(error: ServiceError) -> dict[str, Any]:
    """An error that ended a request before or beside its execution."""
    if isinstance(error, InternalError):
        message, extensions = _mask(error, None)
        return {"message": message, "extensions": extensions}
    return {"message": error.message, "extensions": {"code": error.code, **_details(error)}}


def _details(error: ServiceError) -> dict[str, Any]:
    """What else the extensions say: the input's field; the seconds after which asking a peer again may help."""
    field = {"field": error.field} if error.field else {}
    after = error.retry_after if isinstance(error, PeerUnavailable) else None
    return field | ({"retryAfter": round(after.total_seconds(), 3)} if after is not None else {})


def _present(error: GraphQLError, *, validating: bool) -> dict[str, Any]:
    message, extensions = _told(error, validating=validating)
    presented: dict[str, Any] = {"message": message}
    if error.locations:
        presented["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        presented["path"] = error.path
    presented["extensions"] = extensions
    return presented


def _told(error: GraphQLError, *, validating: bool) -> tuple[str, dict[str, Any]]:
    """The message and the extensions of an error."""
    cause = error.original_error
    if isinstance(cause, RecursionError):
        return "The request is nested too deeply: flatten it.", {"code": LimitExceeded.code}
    if isinstance(cause, ServiceError) and not isinstance(cause, InternalError):
        told = present_service_error(cause)
        return told["message"], told["extensions"]
    if cause is not None and not isinstance(cause, GraphQLError):
        return _mask(cause, error.path)
    return error.message, {"code": _graphql_code(error, validating=validating)}


def _graphql_code(error: GraphQLError, *, validating: bool) -> str:
    """The code of an error that GraphQL itself found."""
    if error.extensions and "code" in error.extensions:
        return str(error.extensions["code"])
    if isinstance(error, GraphQLSyntaxError):
        return LimitExceeded.code if any(limit in error.message for limit in _PARSER_LIMITS) else PARSE_FAILED
    return VALIDATION_FAILED if validating else BadInput.code


def _mask(cause: BaseException, path: Sequence[str | int] | None) -> tuple[str, dict[str, Any]]:
    id = secrets.token_hex(8)
    _log.error("internal error", correlation_id=id, path=path, trace=trace(cause))
    return (
        f"Something went wrong in this service: its log has it under {id}.",
        {"code": InternalError.code, "correlationId": id},
    )
