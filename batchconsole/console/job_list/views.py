"""The job list page, which polls for changes: it returns the list if it changed, else an empty response."""

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.job_list import export as job_export
from batchconsole.console.job_list.page import JobTable
from batchconsole.console.kit.answers import is_renewal, show, without_news
from batchconsole.console.kit.csv_download import csv_response
from batchconsole.jobs.audit import last_event


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    news = str(last_event(request.connection)) if is_renewal(request) else ""
    unchanged = without_news(request, news)
    if unchanged:
        return unchanged
    table = JobTable(request.connection, request.GET, request.preferences)
    return show(request, "console/job_list/job_list.html", {"table": table}, version=table.version, news=news)


@require_safe
def export(request: ConsoleRequest, connection: str) -> HttpResponseBase:
    """Export all matching jobs of all pages as CSV, with all columns or with the visible ones only."""
    table = JobTable(request.connection, request.GET, request.preferences)
    fields = job_export.behind(table.columns) if request.GET.get("columns") == "shown" else job_export.EVERY
    return csv_response(f"{connection}-jobs.csv", fields, job_export.rows(table.every_job(), fields))
