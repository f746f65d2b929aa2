"""The landing page of a connection, which keeps itself up to date like the job list."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.overview.page import Overview


@require_safe
@vary_on_headers("HX-Request")
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    overview = Overview(request.connection)
    if request.htmx and request.headers.get("X-Version") == overview.version:
        return HttpResponse(status=204)
    template = "console/_overview.html" if request.htmx else "console/overview.html"
    return render(request, template, {"overview": overview})
