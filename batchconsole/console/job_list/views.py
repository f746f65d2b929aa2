"""The job list, which keeps itself up to date: asked by the page's script, it answers with what changed or nothing."""

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
    """All jobs that match, on all pages, as CSV: with all columns, or only those that the person sees."""
    table = JobTable(request.connection, request.GET, request.preferences)
    fields = job_export.behind(table.columns) if request.GET.get("columns") == "shown" else job_export.EVERY
    return csv_response(f"{connection}-jobs.csv", fields, job_export.rows(table.every_job(), fields))
