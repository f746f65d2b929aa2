"""The HTTP layer: pass each request to its operation and serialize the result or error. Names no operation."""

import asyncio
import logging
import sqlite3
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from batchconsole.localbedrock import controls
from batchconsole.localbedrock.absent import project_fault
from batchconsole.localbedrock.calls import find_caller, read_request, request_id, run_faulty
from batchconsole.localbedrock.errors import InternalServerException, ServiceError
from batchconsole.localbedrock.openai_api.routes import openai_routes
from batchconsole.localbedrock.operations import OPERATIONS
from batchconsole.localbedrock.service import Service
from batchconsole.localbedrock.validation import check
from batchconsole.localbedrock.wire import PROJECT, HttpRequest, find_route, read_params

log = logging.getLogger(__name__)

NAMES = frozenset(OPERATIONS)


def make_app(service: Service) -> Starlette:
    """Return the ASGI application of *service*."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        is_http = scope["type"] == "http"
        response = await _call(service, Request(scope, receive)) if is_http else WebSocketClose()
        await response(scope, receive, send)

    app = Starlette(routes=[Route("/healthz", healthz), *controls.routes(service), *openai_routes(service)])
    # This is not a route, because AWS's paths must be matched while they are still percent-encoded.
    app.router.default = call
    return app


async def healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _call(service: Service, request: Request) -> Response:
    try:
        incoming = await read_request(request)
        route, labels = find_route(NAMES, incoming)
        return await run_faulty(service, route.model.name, _Call(service, incoming, route.model, labels).run)
    except ServiceError as error:
        return _error(error)


class _Call:
    """One request to an operation. It runs in a thread because operations may wait for the database or a model."""

    def __init__(self, service: Service, incoming: HttpRequest, model: Any, labels: dict[str, str]) -> None:
        self._service = service
        self._incoming = incoming
        self._model = model
        self._labels = labels

    async def run(self) -> Response:
        pool = self._service.pool_for(self._model.service_model.service_name)
        return await asyncio.wrap_future(pool.submit(self._run))

    def _run(self) -> Response:
        try:
            caller = find_caller(self._incoming, self._service.settings)
            params = read_params(self._model, self._labels, self._incoming)
            check(self._model.input_shape, params)
            if fault := project_fault(params.get(PROJECT), caller):
                raise fault
            return _success(OPERATIONS[self._model.name](self._service, caller, params), self._model)
        except ServiceError as error:
            return _error(error)
        except Exception as error:
            # The caller gets AWS's internal error; the log gets the cause, without a traceback for disk errors.
            traceback = None if isinstance(error, OSError | sqlite3.OperationalError) else error
            log.error("%s failed: %s", self._model.name, error, exc_info=traceback)
            return _error(InternalServerException("An internal server error occurred. Retry your request."))


def _success(answer: dict[str, Any], model: Any) -> Response:
    headers = {"x-amzn-requestid": request_id()} | answer.pop("headers", {})
    if model.output_shape.serialization.get("payload"):
        return Response(answer["body"], headers=headers, media_type=answer["contentType"])
    return Response(msgspec.json.encode(answer), model.http.get("responseCode", 200), headers, "application/json")


def _error(error: ServiceError) -> Response:
    headers = {"x-amzn-errortype": error.code, "x-amzn-requestid": request_id()}
    body = msgspec.json.encode({"message": error.message} | error.members)
    return Response(body, error.status, headers, "application/json")
