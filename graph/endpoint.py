"""/graphql: one HTTP request in, one HTTP response out."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from domain.errors import BadInput, InternalError, LimitExceeded, ServiceError
from domain.identity.tokens import bearer_token
from domain.peers.client import deadline, trace
from domain.peers.peers import Origin
from domain.settings import Settings
from graph.context import Context
from graph.graphiql.page import GraphiQLPage, wants_page
from graph.http_request import PLAIN_JSON, Refused, media_type, read_parameters
from graph.http_response import Answer, answer_refusal, answer_result
from graph.lifespan import State
from graph.metrics import Measured, Metrics
from graph.schema import Schema

_ALLOWED: Mapping[str, frozenset[OperationType]] = {
    "GET": frozenset({OperationType.QUERY}),
    "POST": frozenset(OperationType),
}


class GraphQLEndpoint:
    """An ASGI application. `page` answers those who open the address in a browser; None: nobody gets a page."""

    def __init__(self, schema: Schema, settings: Settings, metrics: Metrics, page: GraphiQLPage | None) -> None:
        self._schema = schema
        self._timeout = settings.request_timeout.total_seconds()
        self._max_body_bytes = settings.max_body_bytes
        self._suggesting = settings.introspection_on
        self._metrics = metrics
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response: Response
        if self._page is not None and wants_page(request):
            response = self._page.render(request)
        else:
            with self._metrics.measure() as measured:
                kind, answer = await self._respond(request, measured)
                measured.outcome = answer.outcome
            response = answer.response(kind)
        await response(scope, receive, send)

    async def _respond(self, request: Request, measured: Measured) -> tuple[str, Answer]:
        """The media type and the answer; whatever happens there is one."""
        kind = PLAIN_JSON
        seconds = deadline.allowed(request.headers.get(deadline.HEADER), self._timeout)
        due = time.monotonic() + seconds
        try:
            kind = media_type(request.headers)
            async with asyncio.timeout(seconds):
                return kind, await self._execute(request, due, kind, measured)
        except Refused as exc:
            return kind, answer_refusal(exc.error, exc.status, exc.headers)
        except ClientDisconnect:
            return kind, answer_refusal(BadInput("The request ended before its body was complete."))
        except ServiceError as exc:
            return kind, answer_refusal(exc)
        except TimeoutError:
            return kind, answer_refusal(
                LimitExceeded(
                    f"The request took longer than {seconds:g} s and was given up; "
                    "what it should have changed may be changed or not: read it again."
                ),
                status=503,
            )
        except Exception as exc:
            error = InternalError("unexpected")
            error.__cause__ = exc
            return kind, answer_refusal(error)

    async def _execute(self, request: Request, due: float, kind: str, measured: Measured) -> Answer:
        state: State = request.scope["state"]
        peer = request.client.host if request.client else None
        caller = await state["authenticator"].caller(request.scope["headers"], peer)
        parameters = await read_parameters(request, self._max_body_bytes)
        origin = partial(_origin, request, due)
        context = Context(state["services"], caller, parameters.operation_name, due=due, origin=origin)
        try:
            result = await self._schema.execute(
                parameters.query,
                variable_values=parameters.variables,
                context_value=context,
                operation_name=parameters.operation_name,
                allowed_operation_types=_ALLOWED[request.method],
            )
        except CannotGetOperationTypeError as exc:
            raise Refused(400, BadInput(exc.as_http_error_reason(), field="operationName")) from exc
        except InvalidOperationTypeError as exc:
            raise Refused(405, BadInput("Mutations are sent by POST."), {"Allow": "POST"}) from exc
        finally:
            measured.operation = context.operation
        return answer_result(result, kind, suggesting=self._suggesting)


def _origin(request: Request, due: float) -> Origin:
    """What peers may learn of the request, whose answer is due then by the monotonic clock."""
    headers = request.headers
    context = {name: headers[name] for name in (trace.HEADER, trace.STATE) if name in headers}
    return Origin(token=bearer_token(request.scope["headers"]), deadline=due, trace=context)
