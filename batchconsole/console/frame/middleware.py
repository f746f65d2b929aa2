"""What every page of the console finds on its request: the person's preferences, and the connection its URL names."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from batchconsole.console.frame.preferences import RESTORED, Preferences, restore
from batchconsole.jobs.models import Connection

LAST_CONNECTION = "connection"  # in the session: pages that belong to none lead back to it


class ConsoleRequest(HttpRequest):
    """A signed-in person's request as the views of a connection see it."""

    user: User
    htmx: HtmxDetails
    connection: Connection
    preferences: Preferences


class PageGZipMiddleware(GZipMiddleware):
    """Compress pages, whose length Django hides from guessing. Downloads stream as they are: their size is known, and
    many are packed already.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if response.streaming else super().process_response(request, response)


class ConsoleMiddleware:
    """Set ``request.preferences``; times are shown in the preferred zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.preferences = Preferences.read(request.COOKIES)  # type: ignore[attr-defined] # see ConsoleRequest
        with timezone.override(request.preferences.zone):  # type: ignore[attr-defined] # see ConsoleRequest
            response = self.get_response(request)
        if request.user.is_authenticated and RESTORED not in request.session:
            restore(request, response)
        return response
