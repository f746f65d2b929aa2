"""The HTTP side: a request to its operation, the answer or the error to bytes. Knows no operation by name."""

import asyncio
import logging
import re
import secrets
import sqlite3
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from batchconsole.localbedrock import controls
from batchconsole.localbedrock.absent import project_fault
from batchconsole.localbedrock.errors import InternalServerException, SerializationException, ServiceError
from batchconsole.localbedrock.faults import ERRORS
from batchconsole.localbedrock.jobs import Caller
from batchconsole.localbedrock.operations import OPERATIONS
from batchconsole.localbedrock.service import Service
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.validation import check
from batchconsole.localbedrock.wire import PROJECT, HttpRequest, find_route, read_params

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 25_000_000  # The API model's bound of InvokeModel's body.
NAMES = frozenset(OPERATIONS)
_CREDENTIAL = re.compile(r"Credential=([^/\s]+)/\d{8}/([a-z0-9-]{1,20})/")


def make_app(service: Service) -> Starlette:
    """The ASGI application of *service*."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        is_http = scope["type"] == "http"
        response = await _call(service, Request(scope, receive)) if is_http else WebSocketClose()
        await response(scope, receive, send)

    app = Starlette(routes=[Route("/healthz", healthz), *controls.routes(service)])
    # Not a route: AWS's paths are matched as they arrive, still percent-encoded.
    app.router.default = call
    return app


async def healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _call(service: Service, request: Request) -> Response:
    try:
        incoming = await _read(request)
        route, labels = find_route(NAMES, incoming)
        return await _faulty(service, route.model.name, _Call(service, incoming, route.model, labels))
    except ServiceError as error:
        return _error(error)


class _Call:
    """One request on its way to its operation, in a thread: operations may wait for the database or a model."""

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
            params = read_params(self._model, self._labels, self._incoming)
            check(self._model.input_shape, params)
            caller = find_caller(self._incoming.headers.get("authorization", ""), self._service.settings)
            if fault := project_fault(params.get(PROJECT), caller):
                raise fault
            return _success(OPERATIONS[self._model.name](self._service, caller, params), self._model)
        except ServiceError as error:
            return _error(error)
        except Exception as error:
            # The caller gets AWS's answer to a fault of the service, the log its cause; a full disk has no traceback.
            traceback = None if isinstance(error, OSError | sqlite3.OperationalError) else error
            log.error("%s failed: %s", self._model.name, error, exc_info=traceback)
            return _error(InternalServerException("An internal server error occurred. Retry your request."))


async def _faulty(service: Service, name: str, call: _Call) -> Response:
    """Run *call* with the faults ordered for the operation *name*."""
    for fault in service.faults.take("slow", operation=name):
        await asyncio.sleep(fault.seconds)
    if refused := service.faults.take("throttle", "error", operation=name):
        raise ERRORS[refused[0].kind]
    response = await call.run()
    return LostResponse() if service.faults.take("lost", operation=name) else response


class LostResponse(Response):
    """An answer that does not arrive: the connection closes before its body. On HTTP/2, it never comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["http_version"] == "2":
            # A stream cannot be broken off from here; the client's own timeout ends it.
            while (await receive())["type"] != "http.disconnect":
                continue
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


async def _read(request: Request) -> HttpRequest:
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                raise SerializationException(f"The request body has more than {MAX_BODY_BYTES} bytes.")
    except ClientDisconnect as error:
        raise SerializationException("The request body ended early.") from error
    raw_path = request.scope.get("raw_path") or request.url.path.encode()
    return HttpRequest(
        request.method,
        raw_path.decode("latin-1").partition("?")[0],
        dict(request.query_params),
        dict(request.headers),
        bytes(body),
    )


def find_caller(authorization: str, settings: Settings) -> Caller:
    """Account and region from the signature's credential scope; signatures themselves are not checked."""
    match = _CREDENTIAL.search(authorization)
    if not match:
        return Caller(settings.account, settings.region)
    return Caller(match[1] if re.fullmatch(r"\d{12}", match[1]) else settings.account, match[2])


def _success(answer: dict[str, Any], model: Any) -> Response:
    headers = {"x-amzn-requestid": _request_id()} | answer.pop("headers", {})
    if model.output_shape.serialization.get("payload"):
        return Response(answer["body"], headers=headers, media_type=answer["contentType"])
    return Response(msgspec.json.encode(answer), model.http.get("responseCode", 200), headers, "application/json")


def _error(error: ServiceError) -> Response:
    headers = {"x-amzn-errortype": error.code, "x-amzn-requestid": _request_id()}
    body = msgspec.json.encode({"message": error.message} | error.members)
    return Response(body, error.status, headers, "application/json")


def _request_id() -> str:
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
