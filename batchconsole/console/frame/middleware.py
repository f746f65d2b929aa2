"""Middleware for every page: preferences and time zone, limits on calls to AWS, and compression."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from batchconsole.console.frame.preferences import RESTORED, Preferences, restore
from batchconsole.jobs.models import Connection
from batchconsole.jobs.patience import page_calls

PAGES = "batchconsole.console."  # modules whose views limit their calls to AWS; those of the API do not
LAST_CONNECTION = "connection"  # in the session: name of the connection to which pages without one lead back


class ConsoleRequest(HttpRequest):
    """The request of a signed-in user, as the views of a connection get it."""

    user: User
    htmx: HtmxDetails
    connection: Connection
    preferences: Preferences


class PageGZipMiddleware(GZipMiddleware):
    """Compress pages, but not streamed downloads.

    Django adds random bytes to compressed pages, so their length reveals no secrets. Downloads keep their known size,
    and many are compressed already.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if response.streaming else super().process_response(request, response)


class ConsoleMiddleware:
    """Set ``request.preferences``, activate the preferred time zone, and limit a page's calls to AWS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.preferences = Preferences.read(request.COOKIES)  # type: ignore[attr-defined] # see ConsoleRequest
        with ExitStack() as while_answered:
            while_answered.enter_context(timezone.override(request.preferences.zone))  # type: ignore[attr-defined] # see ConsoleRequest
            request.while_answered = while_answered  # type: ignore[attr-defined] # for process_view
            response = self.get_response(request)
        if request.user.is_authenticated and RESTORED not in request.session:
            restore(request, response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        if view.__module__.startswith(PAGES):
            request.while_answered.enter_context(page_calls())  # type: ignore[attr-defined] # see __call__
