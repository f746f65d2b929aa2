"""The job list, which keeps itself up to date: asked by the page's script, it answers with what changed or nothing."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from batchconsole.console.csv_download import csv_response
from batchconsole.console.job_table import JobTable
from batchconsole.console.middleware import ConsoleRequest
from batchconsole.jobs.models import BatchJob

# The CSV's columns are the API's fields where it has one, and attributes of the job.
EXPORTED = (
    "job_name",
    "status",
    "message",
    "job_arn",
    "model_id",
    "model_invocation_type",
    "input_s3_uri",
    "output_s3_uri",
    "role_arn",
    "created_by",
    "created_at",
    "submit_time",
    "end_time",
    "total_record_count",
    "processed_record_count",
    "success_record_count",
    "error_record_count",
    "input_token_count",
    "output_token_count",
    "cost_usd",
    "tags",
)


@require_safe
@vary_on_headers("HX-Request")
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    table = JobTable(request.connection, request.GET, request.preferences)
    if request.htmx and request.headers.get("X-Version") == table.version:
        return HttpResponse(status=204)
    return render(request, "console/_job_list.html" if request.htmx else "console/job_list.html", {"table": table})


@require_safe
def export(request: ConsoleRequest, connection: str) -> HttpResponseBase:
    """Every job that matches, not only one page of them, as CSV."""
    table = JobTable(request.connection, request.GET, request.preferences)
    return csv_response(f"{connection}-jobs.csv", EXPORTED, map(row, table.every_job()))


def row(job: BatchJob) -> Iterator[Any]:
    for name in EXPORTED:
        value = getattr(job, name)
        if name == "tags":
            yield ";".join(f"{tag['key']}={tag['value']}" for tag in value)
        else:
            yield "" if value is None else value.isoformat() if hasattr(value, "isoformat") else value
