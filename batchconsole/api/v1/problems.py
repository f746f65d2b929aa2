"""Every error in one shape, RFC 9457: ``application/problem+json`` with type, title, status, detail and errors."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from batchconsole.api.v1.sign_in import TooMany, headers_of
from batchconsole.aws.errors import AwsError
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.errors import NotAllowed, UserError

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
TITLES = {
    400: "The request cannot be read",
    401: "Sign in with a key",
    403: "Not allowed",
    404: "Not found",
    409: "Not possible now",
    413: "The request is too large",
    422: "Not valid",
    429: "Too many requests",
    500: "An error of the console",
    502: "AWS refused",
    503: "Not available now",
}


def problem(
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
    more: dict[str, str] | None = None,
) -> HttpResponse:
    """An answer in the one shape; *more* are members of it that only some errors have."""
    body: dict[str, Any] = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status}
    body |= {"detail": detail, **(more or {})}
    if errors:
        body["errors"] = errors
    return JsonResponse(body, status=status, content_type="application/problem+json", headers=headers)


def answer_problem(request: HttpRequest, error: Any) -> HttpResponse:
    """The answer for whatever a view has raised."""
    response = _answer_to(error)
    for name, value in headers_of(request).items():
        response[name] = value
    return response


def _answer_to(error: Any) -> HttpResponse:
    if isinstance(error, ValidationError):
        return problem(422, "Some fields are not valid.", errors=[_located(each) for each in error.errors])
    if isinstance(error, Invalid):
        found = [{"field": each.field, "message": each.message} for each in error.problems]
        return problem(422, str(error), errors=found)
    if isinstance(error, AuthenticationError):
        said = "Send a key of this console: Authorization: Bearer <key>."
        return problem(401, said, headers={"WWW-Authenticate": "Bearer"})
    if isinstance(error, TooMany):
        return problem(429, str(error), headers={"Retry-After": str(error.seconds)})
    if isinstance(error, Http404):
        return problem(404, str(error) or "There is no such thing here.")
    if isinstance(error, RequestDataTooBig):
        return problem(413, f"The body of a request has at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.")
    if isinstance(error, HttpError):
        return problem(error.status_code, error.message)
    return _of_domain(error)


def _located(error: dict[str, Any]) -> dict[str, str]:
    """Where a value lies and what is wrong with it."""
    place = ".".join(str(part) for part in error["loc"][1:] if part != "payload")
    return {"field": place, "message": str(error["msg"])}


def _of_domain(error: Exception) -> HttpResponse:
    if isinstance(error, NotAllowed):
        return problem(403, _sentences(error))
    if isinstance(error, UserError):
        errors = [{"field": error.field, "message": error.message}] if error.field else None
        return problem(409, _sentences(error), errors=errors)
    if isinstance(error, AwsError):
        said = {"code": error.code, "operation": error.operation}
        return _unavailable(_sentences(error), said) if error.retryable else problem(502, _sentences(error), more=said)
    logger.error("A call of the API failed: %s", error, exc_info=error)
    if isinstance(error, OperationalError | InterfaceError):
        return _unavailable("The database does not answer. Try again in a moment.")
    return problem(500, "The console met an error of its own, which its log tells.")


def _unavailable(detail: str, more: dict[str, str] | None = None) -> HttpResponse:
    return problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}, more=more)


def _sentences(error: UserError | AwsError) -> str:
    return " ".join(text for text in (error.message, error.hint) if text)


def register(api: NinjaAPI) -> None:
    """Have *api* answer every error so."""
    for kind in (Exception, Http404, HttpError, ValidationError, AuthenticationError):
        api.exception_handler(kind)(answer_problem)
