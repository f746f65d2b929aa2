"""The landing page of a connection, which polls for changes like the job list."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show
from batchconsole.console.overview.page import Overview


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    overview = Overview(request.connection)
    return show(request, "console/overview/overview.html", {"overview": overview}, version=overview.version)
