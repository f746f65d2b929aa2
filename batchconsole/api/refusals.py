"""Errors that no view answers, from the web server, Django or unknown URLs, in the dialect of the path.

Independent of Django, because the web server's bridge refuses requests before Django sees them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from batchconsole.records.anthropic_errors import error_body
from batchconsole.records.openai_errors import error_object
from batchconsole.request_ids import UUID, new_request_id

RETRY_AFTER_SECONDS = "5"
JSON, PROBLEM, TEXT = "application/json", "application/problem+json", "text/plain; charset=utf-8"
# AWS's error code for each HTTP status. Other statuses below 500 become ValidationException.
AWS_CODES = {
    403: "AccessDeniedException",
    404: "UnknownOperationException",
    405: "UnknownOperationException",
    408: "RequestTimeoutException",
    411: "MissingContentLengthException",
    413: "RequestEntityTooLargeException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
TITLES = {
    400: "The request cannot be read",
    401: "Sign in with a key",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "The request took too long",
    409: "Not possible now",
    411: "Content-Length is missing",
    413: "The request is too large",
    415: "Not a body that is taken here",
    422: "Not valid",
    429: "Too many requests",
    500: "An error of the console",
    502: "AWS refused",
    503: "Not available now",
}
Headers = dict[str, str]


@dataclass(frozen=True)
class Dialect:
    """The format of errors for paths below ``prefix``; ``id_header`` is the header for the request id."""

    prefix: str
    id_header: str
    content_type: str
    write: Callable[[int, str, str], tuple[Headers, bytes]]


@dataclass(frozen=True)
class Refusal:
    """A complete error response."""

    status: int
    headers: Headers
    body: bytes


def _of_aws(status: int, message: str, request_id: str) -> tuple[Headers, bytes]:
    code = AWS_CODES.get(status, "ValidationException" if status < 500 else AWS_CODES[500])
    return {"x-amzn-ErrorType": code}, json.dumps({"message": message}).encode()


def _as_problem(status: int, message: str, request_id: str) -> tuple[Headers, bytes]:
    title = TITLES.get(status, "Error")
    told = {"type": "about:blank", "title": title, "status": status, "detail": message}
    return {}, json.dumps(told | {"instance": instance(request_id)}).encode()


def _of_openai(status: int, message: str, request_id: str) -> tuple[Headers, bytes]:
    return {}, json.dumps({"error": error_object(status, message)}).encode()


def _of_anthropic(status: int, message: str, request_id: str) -> tuple[Headers, bytes]:
    return {}, json.dumps(error_body(status, message, request_id)).encode()


AWS = Dialect("/aws/", "x-amzn-RequestId", JSON, _of_aws)
PROBLEMS = Dialect("/api/", "X-Request-Id", PROBLEM, _as_problem)
OPENAI = Dialect("/openai/", "x-request-id", JSON, _of_openai)
ANTHROPIC = Dialect("/anthropic/", "request-id", JSON, _of_anthropic)
DIALECTS = (AWS, PROBLEMS, OPENAI, ANTHROPIC)
DOCS = "/api/v1/docs"  # a page for people among the addresses for programs


def dialect_of(path: str) -> Dialect | None:
    """Return the dialect of *path*, or ``None`` for a page."""
    if path == DOCS:
        return None
    return next((dialect for dialect in DIALECTS if path.startswith(dialect.prefix)), None)


def instance(request_id: str) -> str:
    """Return the URN of a request, for the ``instance`` member of an RFC 9457 problem.

    An id that a proxy gave and that is no UUID is a relative reference.
    """
    return f"urn:uuid:{request_id}" if UUID.fullmatch(request_id) else quote(request_id)


def refuse(path: str, status: int, message: str, request_id: str = "") -> Refusal:
    """Return an error response with *message* in the dialect of *path*, or in plain text for a page."""
    dialect = dialect_of(path)
    again = {"Retry-After": RETRY_AFTER_SECONDS} if status == 503 else {}
    if dialect is None:
        return Refusal(status, {"Content-Type": TEXT} | again, f"{message}\n".encode())
    known = request_id or new_request_id()
    headers, body = dialect.write(status, message, known)
    told = {"Content-Type": dialect.content_type, dialect.id_header: known}
    return Refusal(status, told | again | headers, body)
