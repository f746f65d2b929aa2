"""The job list page, which polls for changes: it returns the list if it changed, else an empty response."""

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.job_list import export as job_export
from batchconsole.console.job_list.page import JobTable
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.csv_download import csv_response


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    table = JobTable(request.connection, request.GET, request.preferences)
    return show(request, "console/job_list/job_list.html", {"table": table}, version=table.version)


@require_safe
def export(request: ConsoleRequest, connection: str) -> HttpResponseBase:
    """Export all matching jobs of all pages as CSV, with all columns or with the visible ones only."""
    table = JobTable(request.connection, request.GET, request.preferences)
    fields = job_export.behind(table.columns) if request.GET.get("columns") == "shown" else job_export.EVERY
    return csv_response(f"{connection}-jobs.csv", fields, job_export.rows(table.every_job(), fields))
