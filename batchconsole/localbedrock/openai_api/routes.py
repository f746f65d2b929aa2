"""The HTTP layer of OpenAI's API: pass requests to operations; responses and errors have OpenAI's shape."""

import asyncio
import logging
import re
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from batchconsole.localbedrock.calls import find_caller, read_request, request_id, run_faulty
from batchconsole.localbedrock.errors import ServiceError
from batchconsole.localbedrock.jobs import Caller
from batchconsole.localbedrock.openai_api import batches
from batchconsole.localbedrock.openai_api.errors import BatchError, as_batch_error
from batchconsole.localbedrock.service import Service
from batchconsole.localbedrock.wire import HttpRequest

log = logging.getLogger(__name__)

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
Operation = Callable[[Service, Caller, HttpRequest, str], dict[str, Any]]
# Method, path under /openai/v1/, operation name for injected faults, operation.
OPERATIONS: tuple[tuple[str, str, str, Operation], ...] = (
    ("POST", r"batches/?", "CreateBatch", batches.create_batch),
    ("GET", r"batches/?", "ListBatches", batches.list_batches),
    ("GET", r"batches/([^/]+)", "RetrieveBatch", batches.retrieve_batch),
    ("POST", r"batches/([^/]+)/cancel", "CancelBatch", batches.cancel_batch),
)


def openai_routes(service: Service) -> list[BaseRoute]:
    """Return the routes of *service* under ``/openai``."""

    async def call(request: Request) -> Response:
        return await _answer(service, request)

    return [Route("/openai/{path:path}", call, methods=METHODS)]


async def _answer(service: Service, request: Request) -> Response:
    try:
        name, operation, label = _find(request.method, request.path_params["path"])
        incoming = await read_request(request)
        run = partial(_run, service, operation, incoming, label)
        return await run_faulty(service, name, run)
    except ServiceError as error:
        return _error(as_batch_error(error))
    except BatchError as error:
        return _error(error)


def _find(method: str, path: str) -> tuple[str, Operation, str]:
    for wanted, pattern, name, operation in OPERATIONS:
        match = re.fullmatch(f"v1/{pattern}", path)
        if match and wanted == method:
            return name, operation, "".join(match.groups())
    raise BatchError(404, f"Invalid URL ({method} /openai/{path}): only batches are here.", code="unknown_url")


async def _run(service: Service, operation: Operation, incoming: HttpRequest, label: str) -> Response:
    pool = service.pool_for("bedrock")
    return await asyncio.wrap_future(pool.submit(partial(_call, service, operation, incoming, label)))


def _call(service: Service, operation: Operation, incoming: HttpRequest, label: str) -> Response:
    try:
        caller = find_caller(incoming, service.settings)
        return _json(operation(service, caller, incoming, label), 200)
    except ServiceError as error:
        return _error(as_batch_error(error))
    except BatchError as error:
        return _error(error)
    except Exception as error:
        traceback = None if isinstance(error, OSError | sqlite3.OperationalError) else error
        log.error("%s failed: %s", operation.__name__, error, exc_info=traceback)
        return _error(BatchError(500, "An internal server error occurred. Retry your request."))


def _error(error: BatchError) -> Response:
    return _json(error.body, error.status)


def _json(body: dict[str, Any], status: int) -> Response:
    headers = {"x-request-id": request_id()}
    return Response(msgspec.json.encode(body), status, headers, "application/json")
