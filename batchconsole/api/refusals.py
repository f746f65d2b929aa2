"""Errors that no view has told, in the dialect of the address: of the web server, of Django, or of an unknown URL.

Needs no Django, since the web server's bridge refuses requests before Django has seen them.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

RETRY_AFTER_SECONDS = "5"
JSON, PROBLEM, TEXT = "application/json", "application/problem+json", "text/plain; charset=utf-8"
# What AWS calls an error of each HTTP status; of the others, those below 500 are the caller's.
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
    """How programs are told an error below ``prefix``; ``id_header`` is where they look for the request's id."""

    prefix: str
    id_header: str
    content_type: str
    write: Callable[[int, str, str], tuple[Headers, bytes]]


@dataclass(frozen=True)
class Refusal:
    """A whole answer."""

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


AWS = Dialect("/aws/", "x-amzn-RequestId", JSON, _of_aws)
PROBLEMS = Dialect("/api/", "X-Request-Id", PROBLEM, _as_problem)
DIALECTS = (AWS, PROBLEMS)


def dialect_of(path: str) -> Dialect | None:
    """The dialect in which the address *path* answers; ``None`` for a page."""
    return next((dialect for dialect in DIALECTS if path.startswith(dialect.prefix)), None)


def new_request_id() -> str:
    """A random id in the form of AWS's: a UUID in lower case."""
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def instance(request_id: str) -> str:
    """The request as RFC 9457 names one occurrence of a problem."""
    return f"urn:uuid:{request_id}"


def refuse(path: str, status: int, message: str, request_id: str = "") -> Refusal:
    """The answer that tells *message* to whoever called *path*; plain text where it is no program's address."""
    dialect = dialect_of(path)
    again = {"Retry-After": RETRY_AFTER_SECONDS} if status == 503 else {}
    if dialect is None:
        return Refusal(status, {"Content-Type": TEXT} | again, f"{message}\n".encode())
    known = request_id or new_request_id()
    headers, body = dialect.write(status, message, known)
    told = {"Content-Type": dialect.content_type, dialect.id_header: known}
    return Refusal(status, told | again | headers, body)
