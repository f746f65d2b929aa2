"""The page of one bulk action, which keeps itself up to date until the last job is dealt with."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from batchconsole.console.bulk_action_page import BulkActionPage
from batchconsole.console.middleware import ConsoleRequest
from batchconsole.jobs.models import BulkAction


@require_safe
@vary_on_headers("HX-Request")
def detail(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    actions = BulkAction.objects.select_related("connection", "created_by")
    action = get_object_or_404(actions, connection=request.connection, pk=pk)
    shown = BulkActionPage(action, request.GET)
    if request.htmx and request.headers.get("X-Version") == shown.version:
        return HttpResponse(status=204)
    template = "console/_bulk_action.html" if request.htmx else "console/bulk_action.html"
    return render(request, template, {"shown": shown, "action": action})
