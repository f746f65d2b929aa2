"""The product's URLs, and some that fail, for the pages that are shown then."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse

from batchconsole.url_rights import Audience, page
from batchconsole.urls import handler400, handler403, handler404, handler500
from batchconsole.urls import urlpatterns as ours

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

RAISED = {"bad-request": SuspiciousOperation, "no-permission": PermissionDenied, "server-error": RuntimeError}


def raises(request: HttpRequest, kind: str) -> HttpResponse:
    raise RAISED[kind]("On purpose.")


urlpatterns = [page("raises/<slug:kind>/", raises, name="raises", right=Audience.EVERYBODY), *ours]
