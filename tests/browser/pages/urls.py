"""The product's URLs, and some that fail, for the pages that are shown then."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import path

from batchconsole.urls import urlpatterns as ours

RAISED = {"bad-request": SuspiciousOperation, "no-permission": PermissionDenied, "server-error": RuntimeError}


def raises(request: HttpRequest, kind: str) -> HttpResponse:
    raise RAISED[kind]("On purpose.")


urlpatterns = [path("raises/<slug:kind>/", raises), *ours]
