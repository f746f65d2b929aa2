"""Middleware that answers programs in their own dialect, without sessions, CSRF tokens and other needs of pages.

Each response carries the request id, and so does the log line for an internal error.
"""

import logging
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import resolve

from batchconsole import log_context
from batchconsole.api.refusals import PROBLEMS, Dialect, dialect_of, refuse
from batchconsole.jobs import origin
from batchconsole.request_ids import ID, new_request_id
from batchconsole.trouble import trouble_of
from batchconsole.url_rights import UNSIGNED, needed_by

logger = logging.getLogger(__name__)

KEPT = ("Allow", "WWW-Authenticate", "Retry-After")
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
SENT_IN = frozenset({"application/json", "application/problem+json", "application/jsonl"})
ANSWERED_IN = SENT_IN | {"text/csv", "application/vnd.apache.parquet"}
SAID = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    413: "The body of the request is too large.",
}


class ProgramsMiddleware:
    """Answer requests below a dialect's prefix. It comes before all middleware for pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        dialect = dialect_of(request.path_info)
        return self.get_response(request) if dialect is None else answer_program(request, dialect)


def answer_program(request: HttpRequest, dialect: Dialect) -> HttpResponseBase:
    """Return the view's response to *request*, or an error response in *dialect*."""
    request_id = request.META[ID] = request_id_of(request) or new_request_id()
    with origin.coming_from(origin.Origin(address=request.META.get("REMOTE_ADDR") or None)):
        try:
            response = _odd(request, dialect) or _answer(request)
        except Exception as error:  # report every error in the program's own dialect
            response = _told(request, error)
    if response.status_code >= 400 and not response.streaming and not _speaks(response, dialect):
        response = _refusal(request, response.status_code, SAID.get(response.status_code, ""), like=response)
    response.setdefault(dialect.id_header, request_id)
    return response


def _speaks(response: HttpResponseBase, dialect: Dialect) -> bool:
    return response.get("Content-Type", "").partition(";")[0] == dialect.content_type


def _answer(request: HttpRequest) -> HttpResponseBase:
    request.get_host()  # refuses unknown host names
    match = request.resolver_match = resolve(request.path_info)
    if needed_by(match.func) not in UNSIGNED:  # a page of a connection that is named like a dialect's prefix
        raise Http404
    log_context.note(job_id=match.kwargs.get("job_id"))
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return response


def _odd(request: HttpRequest, dialect: Dialect) -> HttpResponse | None:
    """Return a refusal if the JSON API does not support the body's content type (415) or the Accept header (406)."""
    if dialect is not PROBLEMS:
        return None
    has_body = request.META.get("CONTENT_LENGTH") not in (None, "", "0")
    if request.method in WITH_BODY and has_body and request.content_type not in SENT_IN:
        return _refusal(request, 415, "Send the body as Content-Type: application/json.")
    if not any(request.accepts(kind) for kind in ANSWERED_IN):
        return _refusal(request, 406, f"Answers are {', '.join(sorted(ANSWERED_IN))}.")
    return None


def _told(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error, Http404):
        return _refusal(request, 404, SAID[404])
    if isinstance(error, RequestDataTooBig):
        return _refusal(request, 413, SAID[413])
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return _refusal(request, 400, "The request cannot be read, or asks for a host that is not this console.")
    logger.error("The call %s of a program failed: %s", request_id_of(request), error, exc_info=error)
    if trouble := trouble_of(error):
        return _refusal(request, 503, trouble.sentences)
    return _refusal(request, 500, "The console met an error of its own, which its log tells.")


def _refusal(request: HttpRequest, status: int, message: str, *, like: HttpResponseBase | None = None) -> HttpResponse:
    """Return a refusal in the dialect of the path, with the headers in ``KEPT`` copied from the response *like*."""
    found = refuse(request.path_info, status, message or "The request was refused.", request_id_of(request))
    kept = {name: like[name] for name in KEPT if like is not None and like.has_header(name)}
    return HttpResponse(found.body, status=found.status, headers=found.headers | kept)


def request_id_of(request: HttpRequest) -> str:
    """Return the request id, which is also in the response and in the log; empty if there is none."""
    return str(request.META.get(ID, ""))
