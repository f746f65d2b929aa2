"""Errors as RFC 9457 problems: ``application/problem+json`` with type, title, status, detail and errors."""

import logging
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from batchconsole.api.call_limit import TooMany, headers_of
from batchconsole.api.middleware import request_id_of
from batchconsole.api.refusals import PROBLEM, RETRY_AFTER_SECONDS, TITLES, instance
from batchconsole.aws.errors import AwsError
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.trouble import trouble_of

logger = logging.getLogger(__name__)
# Errors of S3 that are about what the caller has named. Source: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses
ABSENT = ("NoSuchBucket", "NoSuchKey", "InvalidBucketName", "404")


@dataclass(frozen=True)
class Problem:
    """An error before it is serialized; *more* holds members that only some errors have."""

    status: int
    detail: str
    errors: list[dict[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)

    def write(self, request_id: str) -> HttpResponse:
        body: dict[str, Any] = {"type": "about:blank", "title": TITLES.get(self.status, "Error"), "status": self.status}
        body |= {"detail": self.detail, "instance": instance(request_id), **self.more}
        if self.errors:
            body["errors"] = self.errors
        return JsonResponse(body, status=self.status, content_type=PROBLEM, headers=self.headers)


def answer_problem(request: HttpRequest, error: Any) -> HttpResponse:
    """Return the response to an error that a view has raised."""
    request_id = request_id_of(request)
    found = _problem_of(error)
    if found.status == 500:
        logger.error("The call %s of the API failed: %s", request_id, error, exc_info=error)
    response = found.write(request_id)
    for name, value in headers_of(request).items():
        response[name] = value
    return response


def _problem_of(error: Any) -> Problem:
    if isinstance(error, ValidationError):
        return Problem(422, "Some fields are not valid.", errors=[_located(each) for each in error.errors])
    if isinstance(error, Invalid):
        found = [{"field": each.field, "message": each.message} for each in error.problems]
        return Problem(422, str(error), errors=found)
    if isinstance(error, AuthenticationError):
        said = "Send a key of this console: Authorization: Bearer <key>."
        return Problem(401, said, headers={"WWW-Authenticate": "Bearer"})
    if isinstance(error, TooMany):
        return Problem(429, str(error), headers={"Retry-After": str(error.seconds)})
    if isinstance(error, Http404):
        return Problem(404, str(error) or "There is no such thing here.")
    if isinstance(error, RequestDataTooBig):
        return Problem(413, f"The body of a request has at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.")
    if isinstance(error, UnreadablePostError):
        return Problem(408, "The body broke off. Send the request again.")
    if isinstance(error, HttpError):
        return Problem(error.status_code, error.message)
    return _of_domain(error)


def _located(error: dict[str, Any]) -> dict[str, str]:
    """Return the path of an invalid value and what is wrong with it."""
    place = ".".join(str(part) for part in error["loc"][1:] if part != "payload")
    return {"field": place, "message": str(error["msg"])}


def _of_domain(error: Exception) -> Problem:
    if isinstance(error, NotAllowed):
        return Problem(403, _sentences(error))
    if isinstance(error, UserError):
        errors = [{"field": error.field, "message": error.message}] if error.field else []
        return Problem(409, _sentences(error), errors=errors)
    if isinstance(error, AwsError):
        said = {"code": error.code, "operation": error.operation}
        if error.retryable:
            return _unavailable(_sentences(error), said)
        return Problem(422 if error.code in ABSENT else 502, _sentences(error), more=said)
    if trouble := trouble_of(error):
        return _unavailable(trouble.sentences)
    return Problem(500, "The console met an error of its own, which its log tells.")


def _unavailable(detail: str, more: dict[str, str] | None = None) -> Problem:
    return Problem(503, detail, headers={"Retry-After": RETRY_AFTER_SECONDS}, more=more or {})


def _sentences(error: UserError | AwsError) -> str:
    return " ".join(text for text in (error.message, error.hint) if text)


def register(api: NinjaAPI) -> None:
    """Make *api* answer every error as a problem."""
    for kind in (Exception, Http404, HttpError, ValidationError, AuthenticationError):
        api.exception_handler(kind)(answer_problem)
