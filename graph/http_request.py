"""GraphQL over HTTP, the way in: from an HTTP request to the parameters of a GraphQL request, or a refusal."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request

from domain.errors import BadInput, LimitExceeded, ServiceError

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"


class Refused(Exception):
    """The HTTP request is not a GraphQL request; `status` and `error` are its answer."""

    def __init__(self, status: int, error: ServiceError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Parameters:
    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


def media_type(headers: Headers) -> str:
    """The media type to answer in; the older one where a client does not say. Raises Refused (406)."""
    accepted = map(_range, headers.get("accept", "*/*").split(","))
    for range, weight in sorted(accepted, key=lambda each: -each[1]):
        if weight <= 0:
            break
        if range in {GRAPHQL_JSON, PLAIN_JSON}:
            return range
        if range in {"*/*", "application/*", ""}:
            return PLAIN_JSON
    raise Refused(406, BadInput(f"The answer is {GRAPHQL_JSON} or {PLAIN_JSON}: accept one of them."))


def _range(item: str) -> tuple[str, float]:
    """A media range and its weight (RFC 9110, section 12.4.2), 1 where it says none that can be read."""
    range, *options = (part.strip().lower() for part in item.split(";"))
    for option in options:
        if option.startswith("q="):
            with suppress(ValueError):
                return range, float(option.removeprefix("q="))
    return range, 1.0


async def read_parameters(request: Request, max_body_bytes: int) -> Parameters:
    """Raises Refused."""
    if request.method == "GET":
        return _parameters(_query_string(request.query_params))
    if request.method != "POST":
        raise Refused(405, BadInput("Send GET or POST."), {"Allow": "GET, POST"})
    kind, _, options = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != PLAIN_JSON or not _is_utf8(options):
        raise Refused(415, BadInput(f"Send the request as {PLAIN_JSON} in UTF-8."), {"Accept-Post": PLAIN_JSON})
    return _parameters(_decode(await _body(request, max_body_bytes)))


def _is_utf8(options: str) -> bool:
    name, _, value = options.strip().partition("=")
    return name.lower() != "charset" or value.strip('"').lower() in {"utf-8", "utf8"}


async def _body(request: Request, limit: int) -> bytes:
    too_large = Refused(413, LimitExceeded(f"The request is larger than {limit} bytes: send it in parts."))
    if int(request.headers.get("content-length", "0")) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _decode(body: bytes) -> Any:
    """The standard library's reader: it keeps large integers and lone surrogates, to be refused by name later on."""
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise Refused(400, BadInput("The body is not JSON in UTF-8, or is nested too deeply.")) from exc


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _query_string(given: Mapping[str, str]) -> Any:
    found: dict[str, Any] = {name: given[name] for name in ("query", "operationName") if given.get(name)}
    for name in ("variables", "extensions"):
        if given.get(name):
            found[name] = _decode(given[name].encode(errors="surrogatepass"))
    return found


def _parameters(raw: Any) -> Parameters:
    """The parameters in a decoded body. Raises Refused (400)."""
    if isinstance(raw, list):
        raise Refused(400, BadInput("Batches are not served: send each operation as a request of its own."))
    if not isinstance(raw, dict):
        raise Refused(400, BadInput("The body must be a JSON object with a query."))
    query, variables, name = raw.get("query"), raw.get("variables"), raw.get("operationName")
    if not isinstance(query, str) or not query:
        raise Refused(400, BadInput("query is missing, or is not a text.", field="query"))
    if variables is not None and not isinstance(variables, dict):
        raise Refused(400, BadInput("variables must be a JSON object.", field="variables"))
    if name is not None and not isinstance(name, str):
        raise Refused(400, BadInput("operationName must be a text.", field="operationName"))
    if not isinstance(raw.get("extensions"), dict | None):
        raise Refused(400, BadInput("extensions must be a JSON object.", field="extensions"))
    return Parameters(query, variables, name)
